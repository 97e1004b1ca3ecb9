{{ config(materialized='view') }}

with

items as (

    select * from {{ ref('int_items_cut_to_stretches') }}

),

discounted as (

    select * from {{ ref('int_items_discounted_by_steps') }}

),

normalised as (

    select
        items.account,
        items.version_number,
        items.subscription_id,
        items.subscription_item_id,
        items.price_id,
        items.product_id,
        items.currency,
        items.quantity,
        items.item_trial_ended_at,
        items.discount_rule,
        items.stretch_number,
        items.stretch_started_at,
        items.stretch_ended_at,
        {{ monthly('coalesce(discounted.amount_minor, items.amount_minor)', 'items.period_units') }}
            as mrr_minor

    from items

    left join discounted
        on
            {{ is_same_stretch('discounted', 'items') }}
            and discounted.subscription_item_id = items.subscription_item_id

)

select * from normalised
