with

invoice_lines as (

    select * from {{ ref('stg_stripe__invoice_lines') }}

    where subscription_id is not null and (is_of_subscription or is_proration)

),

-- prorations that wait for the next invoice: of a yearly plan for up to a year
pending_items as (

    select * from {{ ref('stg_stripe__invoice_items') }}

    where invoice_id is null and subscription_id is not null and is_proration

),

-- coupons that the discount rule leaves out; one that is not known is taken off
passing_discounts as (

    select
        account,
        discount_id
    from {{ ref('int_discounts_gathered_to_coupons') }}

    where not {{ is_discount_counted('coupon_duration') }}

),

discount_amounts as (

    select
        account,
        invoice_id,
        line_id,
        {{ json_elements('discount_amounts') }} as discount_amount

    from invoice_lines

),

discounts as (

    select
        discount_amounts.account,
        discount_amounts.invoice_id,
        discount_amounts.line_id,
        sum({{ json_integer('discount_amount', 'amount') }}) as discount_minor

    from discount_amounts

    left join passing_discounts
        on
            discount_amounts.account = passing_discounts.account
            and {{ json_id('discount_amount', 'discount') }} = passing_discounts.discount_id

    where passing_discounts.discount_id is null and {{ is_discount_counted("'forever'") }}

    group by all

),

tax_amounts as (

    select
        account,
        invoice_id,
        line_id,
        {{ json_elements('taxes') }} as tax_amount

    from invoice_lines

),

inclusive_taxes as (

    select
        account,
        invoice_id,
        line_id,
        sum({{ json_integer('tax_amount', 'amount') }}) as tax_minor

    from tax_amounts

    where
        {{ json_text('tax_amount', 'tax_behavior') }} = 'inclusive'
        or {{ json_boolean('tax_amount', 'inclusive') }}

    group by all

),

reduced as (

    select
        invoice_lines.account,
        invoice_lines.line_id,
        invoice_lines.invoice_id,
        cast(null as varchar) as customer_id,
        invoice_lines.subscription_id,
        invoice_lines.subscription_item_id,
        invoice_lines.price_id,
        invoice_lines.product_id,
        invoice_lines.currency,
        invoice_lines.period_interval,
        invoice_lines.interval_count,
        invoice_lines.usage_type,
        invoice_lines.quantity,
        invoice_lines.quantity * invoice_lines.unit_amount_minor as list_minor,
        cast(invoice_lines.amount_minor - coalesce(discounts.discount_minor, 0) as bigint) as gross_minor,
        cast(coalesce(inclusive_taxes.tax_minor, 0) as bigint) as inclusive_tax_minor,
        invoice_lines.is_proration,
        invoice_lines.period_started_at,
        invoice_lines.period_ended_at

    from invoice_lines

    left join discounts
        on
            invoice_lines.account = discounts.account
            and invoice_lines.invoice_id = discounts.invoice_id
            and invoice_lines.line_id = discounts.line_id

    left join inclusive_taxes
        on
            invoice_lines.account = inclusive_taxes.account
            and invoice_lines.invoice_id = inclusive_taxes.invoice_id
            and invoice_lines.line_id = inclusive_taxes.line_id

    union all

    select
        account,
        invoice_item_id as line_id,
        cast(null as varchar) as invoice_id,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        cast(null as varchar) as period_interval,
        cast(null as bigint) as interval_count,
        cast(null as varchar) as usage_type,
        quantity,
        quantity * unit_amount_minor as list_minor,
        amount_minor as gross_minor,
        cast(0 as bigint) as inclusive_tax_minor,
        is_proration,
        period_started_at,
        period_ended_at

    from pending_items

)

select * from reduced
