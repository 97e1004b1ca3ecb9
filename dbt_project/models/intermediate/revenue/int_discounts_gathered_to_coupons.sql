with

of_subscriptions as (

    select
        account,
        discount_id,
        coupon_id,
        coupon_duration,
        discount_started_at,
        discount_ended_at
    from {{ ref('stg_stripe__subscription_discounts') }}
    where discount_id is not null and coupon_id is not null

),

told as (

    select
        account,
        discount_id,
        coupon_id,
        coupon_duration,
        discount_started_at,
        discount_ended_at
    from {{ ref('stg_stripe__told_discounts') }}

),

united as (

    select * from of_subscriptions

    union all

    select * from told

),

gathered as (

    select
        account,
        discount_id,
        max(coupon_id) as coupon_id,
        max(coupon_duration) as coupon_duration,
        min(discount_started_at) as discount_started_at,
        max(discount_ended_at) as discount_ended_at
    from united
    group by all

),

matched as (

    select
        gathered.account,
        gathered.discount_id,
        gathered.coupon_id,
        coalesce(gathered.coupon_duration, coupons.coupon_duration) as coupon_duration,
        gathered.discount_started_at,
        gathered.discount_ended_at

    from gathered

    left join {{ ref('stg_stripe__coupons') }} as coupons
        on gathered.account = coupons.account and gathered.coupon_id = coupons.coupon_id

)

select * from matched
