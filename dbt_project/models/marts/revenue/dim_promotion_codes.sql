with

told as (

    select
        account,
        promotion_code_id,
        customer_id,
        discount_started_at
    from {{ ref('stg_stripe__told_discounts') }}
    where promotion_code_id is not null

    union all

    select
        account,
        promotion_code_id,
        customer_id,
        discount_started_at
    from {{ ref('stg_stripe__subscription_discounts') }}
    where promotion_code_id is not null

),

redeemed as (

    select
        account,
        promotion_code_id,
        list_sort(list(distinct customer_id) filter (where customer_id is not null)) as customer_ids,
        min(discount_started_at) as first_redeemed_at

    from told

    group by all

),

codes as (

    select
        codes.account,
        codes.promotion_code_id,
        codes.code,
        codes.coupon_id,
        codes.is_active,
        cast(codes.times_redeemed as bigint) as times_redeemed,
        coalesce(redeemed.customer_ids, []) as customer_ids,
        codes.created_at,
        codes.expires_at,
        redeemed.first_redeemed_at

    from {{ ref('stg_stripe__promotion_codes') }} as codes

    left join redeemed
        on codes.account = redeemed.account and codes.promotion_code_id = redeemed.promotion_code_id

)

select * from codes
