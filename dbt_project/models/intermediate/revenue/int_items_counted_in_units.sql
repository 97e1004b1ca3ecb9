with

items as (

    select * from {{ touched('stg_stripe__subscription_items', 'subscription') }}

),

prices as (

    select
        account,
        price_id,
        tiers
    from {{ ref('stg_stripe__prices') }}

),

-- one-time and metered prices are no recurring revenue; inside a subscription tiers are often left out
licensed as (

    select
        items.account,
        items.version_number,
        items.subscription_id,
        items.subscription_item_id,
        items.price_id,
        items.product_id,
        items.currency,
        items.billing_scheme,
        items.tiers_mode,
        items.transform_round,
        items.transform_divide_by,
        items.unit_amount_minor,
        items.item_trial_ended_at,
        items.current_period_ended_at as period_ended_at,
        coalesce(items.quantity, 1) as quantity,
        {{ period_units('items.period_interval', 'items.interval_count') }} as period_units,
        coalesce(items.tiers, prices.tiers) as tiers

    from items

    left join prices on items.account = prices.account and items.price_id = prices.price_id

    where items.period_interval is not null and coalesce(items.usage_type, 'licensed') <> 'metered'

),

transformed as (

    select
        *,
        case transform_round
            when 'up' then {{ divide_whole('quantity + transform_divide_by - 1', 'transform_divide_by') }}
            when 'down' then {{ divide_whole('quantity', 'transform_divide_by') }}
            else quantity
        end as units

    from licensed

)

select * from transformed
