with

discounts as (

    select * from {{ ref('int_discounts_matched_to_coupons') }}

),

stretches as (

    select * from {{ ref('int_versions_cut_by_discounts') }}

),

rules as (

    select distinct
        discount_rule,
        coupon_forever,
        coupon_repeating,
        coupon_once
    from {{ ref('int_profiles_combined_to_rule_sets') }}

),

disputed as (

    select * from {{ ref('int_subscriptions_sorted_to_discount_rules') }}

),

counted as (

    select
        discounts.*,
        rules.discount_rule

    from discounts

    left join disputed
        on discounts.account = disputed.account and discounts.subscription_id = disputed.subscription_id

    inner join rules on coalesce(disputed.discount_rule, {{ every_profile() }}) = rules.discount_rule

    where {{ is_coupon_counted('discounts.coupon_duration', 'rules') }}

),

-- what holds in each stretch of time; an item's own discounts come first
ordered as (

    select
        counted.*,
        coalesce(stretches.stretch_number, 0) as stretch_number,
        row_number() over (
            partition by
                counted.account, counted.version_number, counted.discount_rule, stretches.stretch_number
            order by
                (counted.subscription_item_id is null), counted.subscription_item_id, counted.list_position
        ) as step

    from counted

    left join stretches
        on counted.account = stretches.account and counted.version_number = stretches.version_number

    where
        (counted.discount_started_at is null or counted.discount_started_at <= stretches.stretch_started_at)
        and (
            counted.discount_ended_at is null
            or stretches.stretch_started_at is null
            or counted.discount_ended_at > stretches.stretch_started_at
        )

)

select * from ordered
