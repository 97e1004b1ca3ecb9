with

tiers as (

    select
        version_number,
        account,
        subscription_item_id,
        units,
        tiers_mode,
        {{ json_positions('tiers') }} as tier_position,
        {{ json_elements('tiers') }} as tier

    from {{ ref('int_items_counted_in_units') }}

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

)

select * from tiered
