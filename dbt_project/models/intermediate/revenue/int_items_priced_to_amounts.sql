with

items as (

    select * from {{ ref('int_items_counted_in_units') }}

),

priced as (

    select
        items.account,
        items.version_number,
        items.subscription_id,
        items.subscription_item_id,
        items.price_id,
        items.product_id,
        items.currency,
        items.quantity,
        items.period_units,
        items.item_trial_ended_at,
        items.period_ended_at,
        cast(
            coalesce(tiered.amount_minor, items.units * items.unit_amount_minor, 0)
            as decimal(38, 12)
        ) as amount_minor

    from items

    left join {{ ref('int_tiers_summed_to_amounts') }} as tiered
        on
            items.account = tiered.account
            and items.version_number = tiered.version_number
            and items.subscription_item_id = tiered.subscription_item_id

)

select * from priced
