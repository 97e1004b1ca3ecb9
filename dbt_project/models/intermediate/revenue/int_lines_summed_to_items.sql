with

lines as (

    select * from {{ ref('int_lines_matched_to_items') }}

),

-- tiers come as several lines of one item; of a proration only the debit says what holds from now on
summed as (

    select
        account,
        subscription_id,
        customer_id,
        subscription_item_id,
        invoice_id,
        currency,
        discount_rule,
        is_proration,
        created_at,
        period_started_at,
        period_ended_at,
        coalesce(max(line_id) filter (where {{ is_said_by_line() }}), max(line_id)) as line_id,
        coalesce(max(price_id) filter (where {{ is_said_by_line() }}), max(price_id)) as price_id,
        coalesce(max(product_id) filter (where {{ is_said_by_line() }}), max(product_id)) as product_id,
        coalesce(max(period_units) filter (where {{ is_said_by_line() }}), max(period_units)) as period_units,
        coalesce(
            min(whole_period_started_at) filter (where {{ is_said_by_line() }}), min(whole_period_started_at)
        ) as whole_period_started_at,
        max(quantity) filter (where {{ is_said_by_line() }}) as quantity,
        sum(list_minor) filter (where {{ is_said_by_line() }}) as list_minor,
        greatest(coalesce(sum(gross_minor) filter (where {{ is_said_by_line() }}), 0), 0) as gross_minor,
        coalesce(sum(inclusive_tax_minor) filter (where {{ is_said_by_line() }}), 0) as inclusive_tax_minor,
        min(gross_minor) as lowest_minor,
        max(counted_from) as counted_from

    from lines

    group by all

)

select * from summed
