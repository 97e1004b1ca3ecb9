with

items as (

    select * from {{ ref('stg_stripe__subscription_items') }}

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

),

tiers as (

    select
        version_number,
        account,
        subscription_item_id,
        units,
        tiers_mode,
        {{ json_positions('tiers') }} as tier_position,
        {{ json_elements('tiers') }} as tier

    from transformed

    where billing_scheme = 'tiered'

),

-- the last tier is open, whatever it says
bounded as (

    select
        *,
        coalesce(lag({{ json_text('tier', 'up_to') }}) over tiers_in_order, '0') as after_units,
        case
            when lead(tier) over tiers_in_order is not null then {{ json_text('tier', 'up_to') }}
        end as up_to_units,
        coalesce(
            {{ json_decimal('tier', 'unit_amount_decimal') }},
            {{ json_decimal('tier', 'unit_amount') }},
            0
        ) as unit_minor,
        coalesce(
            {{ json_decimal('tier', 'flat_amount_decimal') }},
            {{ json_decimal('tier', 'flat_amount') }},
            0
        ) as flat_minor

    from tiers

    window tiers_in_order as (
        partition by account, version_number, subscription_item_id order by tier_position
    )

),

reached as (

    select
        *,
        case
            when tiers_mode = 'volume' then units
            else least(units, coalesce(cast(up_to_units as bigint), units)) - cast(after_units as bigint)
        end as units_in_tier

    from bounded

    where
        (tier_position = 1 or units > cast(after_units as bigint))
        and (tiers_mode <> 'volume' or up_to_units is null or units <= cast(up_to_units as bigint))

),

tiered as (

    select
        version_number,
        account,
        subscription_item_id,
        cast(sum(units_in_tier * unit_minor + flat_minor) as decimal(38, 12)) as amount_minor

    from reached

    group by all

),

priced as (

    select
        transformed.account,
        transformed.version_number,
        transformed.subscription_id,
        transformed.subscription_item_id,
        transformed.price_id,
        transformed.product_id,
        transformed.currency,
        transformed.quantity,
        transformed.period_units,
        transformed.item_trial_ended_at,
        transformed.period_ended_at,
        cast(
            coalesce(tiered.amount_minor, transformed.units * transformed.unit_amount_minor, 0)
            as decimal(38, 12)
        ) as amount_minor

    from transformed

    left join tiered
        on
            transformed.account = tiered.account
            and transformed.version_number = tiered.version_number
            and transformed.subscription_item_id = tiered.subscription_item_id

)

select * from priced
