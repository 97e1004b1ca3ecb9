with

invoice_lines as (

    select * from {{ touched('stg_stripe__invoice_lines', 'subscription') }}

    where subscription_id is not null and (is_of_subscription or is_proration)

),

-- prorations that wait for the next invoice: of a yearly plan for up to a year
pending_items as (

    select * from {{ touched('stg_stripe__invoice_items', 'subscription') }}

    where invoice_id is null and subscription_id is not null and is_proration

),

gathered as (

    select
        account,
        line_id,
        invoice_id,
        cast(null as varchar) as customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        period_interval,
        interval_count,
        usage_type,
        quantity,
        unit_amount_minor,
        amount_minor,
        is_proration,
        period_started_at,
        period_ended_at,
        discount_amounts,
        taxes

    from invoice_lines

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
        unit_amount_minor,
        amount_minor,
        is_proration,
        period_started_at,
        period_ended_at,
        cast(null as json) as discount_amounts,
        cast(null as json) as taxes

    from pending_items

)

select * from gathered
