with

lines as (

    select * from {{ ref('int_lines_gathered_to_subscriptions') }}

),

rules as (

    select * from {{ ref('int_subscriptions_sorted_to_discount_rules') }}

),

-- a line that rules may disagree about stands once per choice of coupons
ruled as (

    select
        lines.*,
        coalesce(rules.discount_rule, {{ every_profile() }}) as discount_rule

    from lines

    left join rules on lines.account = rules.account and lines.subscription_id = rules.subscription_id

),

reduced as (

    select
        ruled.account,
        ruled.line_id,
        ruled.invoice_id,
        ruled.customer_id,
        ruled.subscription_id,
        ruled.subscription_item_id,
        ruled.price_id,
        ruled.product_id,
        ruled.currency,
        ruled.period_interval,
        ruled.interval_count,
        ruled.usage_type,
        ruled.quantity,
        ruled.discount_rule,
        ruled.quantity * ruled.unit_amount_minor as list_minor,
        cast(ruled.amount_minor - coalesce(discounts.discount_minor, 0) as bigint) as gross_minor,
        cast(coalesce(taxes.tax_minor, 0) as bigint) as inclusive_tax_minor,
        ruled.is_proration,
        ruled.period_started_at,
        ruled.period_ended_at

    from ruled

    left join {{ ref('int_discounts_summed_to_lines') }} as discounts
        on
            ruled.account = discounts.account
            and ruled.invoice_id = discounts.invoice_id
            and ruled.line_id = discounts.line_id
            and ruled.discount_rule = discounts.discount_rule

    left join {{ ref('int_taxes_summed_to_lines') }} as taxes
        on
            ruled.account = taxes.account
            and ruled.invoice_id = taxes.invoice_id
            and ruled.line_id = taxes.line_id

)

select * from reduced
