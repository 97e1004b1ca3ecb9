with

items as (

    select * from {{ ref('int_items_discounted_to_mrr') }}

),

versions as (

    select * from {{ ref('int_versions_dated_to_spans') }}

),

rules as (

    select * from {{ ref('int_subscriptions_sorted_to_rule_sets') }}

),

-- what tax stands inside a price is known from the item's last line
last_lines as (

    select * from {{ ref('int_lines_normalised_to_mrr') }}

    qualify
        row_number() over (
            partition by account, subscription_item_id, discount_rule order by period_started_at desc
        ) = 1

),

dated as (

    select
        versions.account,
        coalesce(rules.rule_set, {{ every_profile() }}) as rule_set,
        versions.customer_id,
        versions.subscription_id,
        items.subscription_item_id,
        items.price_id,
        items.product_id,
        items.currency,
        items.quantity,
        versions.event_id,
        versions.subscription_status,
        case
            when versions.is_counted
                then greatest(
                    versions.counted_from,
                    coalesce(items.item_trial_ended_at, versions.counted_from),
                    coalesce(items.stretch_started_at, versions.counted_from)
                )
            else greatest(versions.valid_from, coalesce(items.stretch_started_at, versions.valid_from))
        end as valid_from,
        least(versions.valid_to, items.stretch_ended_at) as valid_to,
        case
            when versions.is_counted
                then {{ net_of_inclusive_tax(
                    'items.mrr_minor', 'last_lines.gross_minor', 'last_lines.inclusive_tax_minor'
                ) }}
            else 0
        end as mrr_minor

    from versions

    inner join items
        on versions.account = items.account and versions.version_number = items.version_number

    left join rules
        on
            versions.account = rules.account
            and versions.subscription_id = rules.subscription_id
            and items.discount_rule = rules.discount_rule

    left join last_lines
        on
            items.account = last_lines.account
            and items.subscription_item_id = last_lines.subscription_item_id
            and items.discount_rule = last_lines.discount_rule

)

select * from dated
