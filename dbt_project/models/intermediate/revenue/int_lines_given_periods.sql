{{ config(materialized='view') }}

with

lines as (

    select * from {{ ref('int_lines_reduced_to_net') }}

),

prices as (

    select * from {{ ref('stg_stripe__prices') }}

),

priced as (

    select
        lines.account,
        lines.invoice_id,
        lines.line_id,
        lines.customer_id,
        lines.subscription_id,
        lines.subscription_item_id,
        lines.price_id,
        coalesce(lines.product_id, prices.product_id) as product_id,
        lines.currency,
        coalesce(lines.period_interval, prices.period_interval) as period_interval,
        coalesce(lines.interval_count, prices.interval_count, 1) as interval_count,
        coalesce(lines.usage_type, prices.usage_type, 'licensed') as usage_type,
        lines.quantity,
        lines.discount_rule,
        lines.list_minor,
        lines.gross_minor,
        lines.inclusive_tax_minor,
        lines.is_proration,
        lines.period_started_at,
        lines.period_ended_at

    from lines

    left join prices on lines.account = prices.account and lines.price_id = prices.price_id

),

given as (

    select
        *,
        {{ period_units('period_interval', 'interval_count') }} as period_units,
        {{ minus_intervals('period_ended_at', 'period_interval', 'interval_count') }}
            as whole_period_started_at

    from priced

    where usage_type <> 'metered' and period_ended_at > period_started_at

)

select * from given

where period_units is not null
