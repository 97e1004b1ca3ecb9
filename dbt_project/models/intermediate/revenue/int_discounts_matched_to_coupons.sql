with

discounts as (

    select * from {{ ref('int_discounts_listed_by_versions') }}

),

coupons as (

    select * from {{ ref('stg_stripe__coupons') }}

),

-- an event carries the id of a discount only; whoever told it in full tells its coupon and its time
told_elsewhere as (

    select * from {{ ref('int_discounts_gathered_to_coupons') }}

),

identified as (

    select
        discounts.account,
        discounts.version_number,
        discounts.subscription_id,
        discounts.subscription_item_id,
        discounts.discount_id,
        coalesce(discounts.coupon_id, told_elsewhere.coupon_id) as coupon_id,
        coalesce(discounts.coupon_duration, told_elsewhere.coupon_duration) as coupon_duration,
        discounts.coupon_currency,
        discounts.percent_off,
        discounts.amount_off_minor,
        discounts.applies_to_products,
        discounts.list_position,
        coalesce(discounts.discount_started_at, told_elsewhere.discount_started_at) as discount_started_at,
        coalesce(discounts.discount_ended_at, told_elsewhere.discount_ended_at) as discount_ended_at

    from discounts

    left join told_elsewhere
        on discounts.account = told_elsewhere.account and discounts.discount_id = told_elsewhere.discount_id

),

matched as (

    select
        identified.account,
        identified.version_number,
        identified.subscription_id,
        identified.subscription_item_id,
        identified.discount_id,
        identified.coupon_id,
        coalesce(identified.coupon_duration, coupons.coupon_duration) as coupon_duration,
        coalesce(identified.coupon_currency, coupons.coupon_currency) as coupon_currency,
        coalesce(identified.percent_off, coupons.percent_off) as percent_off,
        coalesce(identified.amount_off_minor, coupons.amount_off_minor) as amount_off_minor,
        coalesce(identified.applies_to_products, coupons.applies_to_products) as applies_to_products,
        identified.list_position,
        identified.discount_started_at,
        identified.discount_ended_at

    from identified

    left join coupons on identified.account = coupons.account and identified.coupon_id = coupons.coupon_id

)

select * from matched
