{{ config(materialized='view') }}

with

items as (

    select * from {{ ref('int_items_discounted_to_mrr') }}

),

versions as (

    select * from {{ ref('int_versions_judged_by_rules') }}

),

-- what tax stands inside a price is known from the item's last line
last_lines as (

    select * from {{ ref('int_lines_normalised_to_mrr') }}

    qualify
        row_number() over (
            partition by account, subscription_item_id, discount_rule order by period_started_at desc
        ) = 1

),

joined as (

    select
        versions.*,
        items.subscription_item_id,
        items.price_id,
        items.product_id,
        items.currency,
        items.quantity,
        items.item_trial_ended_at,
        greatest(versions.holds_from, items.stretch_started_at) as valid_from,
        least(versions.holds_to, items.stretch_ended_at) as valid_to,
        {{ net_of_inclusive_tax(
            'items.mrr_minor', 'last_lines.gross_minor', 'last_lines.inclusive_tax_minor'
        ) }} as mrr_minor

    from versions

    inner join items
        on
            versions.account = items.account
            and versions.version_number = items.version_number
            and items.discount_rule in ({{ every_profile() }}, versions.discount_rule)

    left join last_lines
        on
            items.account = last_lines.account
            and items.subscription_item_id = last_lines.subscription_item_id
            and items.discount_rule = last_lines.discount_rule

)

select
    *,
    greatest(valid_from, pause_ends_at, first_paid_from, item_trial_ended_at) as counted_from,
    case
        when item_trial_ended_at >= greatest(valid_from, pause_ends_at, first_paid_from) then 'trialing'
        when first_paid_from >= greatest(valid_from, pause_ends_at) then 'not_paid'
        else 'collection_paused'
    end as waiting_reason,
    past_due_until as counted_to

from joined

where valid_to is null or valid_to > valid_from
