with

items as (

    select * from {{ ref('int_items_priced_to_amounts') }}

),

stretches as (

    select * from {{ ref('int_versions_cut_by_discounts') }}

),

rules as (

    select * from {{ ref('int_subscriptions_sorted_to_discount_rules') }}

),

-- versions without a cut are one stretch; items stand once per choice of coupons that may be disagreed about
cut as (

    select
        items.*,
        coalesce(rules.discount_rule, {{ every_profile() }}) as discount_rule,
        coalesce(stretches.stretch_number, 0) as stretch_number,
        stretches.stretch_started_at,
        stretches.stretch_ended_at

    from items

    left join rules on items.account = rules.account and items.subscription_id = rules.subscription_id

    left join stretches
        on items.account = stretches.account and items.version_number = stretches.version_number

)

select * from cut
