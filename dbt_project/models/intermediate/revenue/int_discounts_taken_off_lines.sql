with

unnested as (

    select
        account,
        subscription_id,
        invoice_id,
        line_id,
        {{ json_elements('discount_amounts') }} as discount_amount

    from {{ ref('int_lines_gathered_to_subscriptions') }}

),

coupons as (

    select * from {{ ref('int_discounts_gathered_to_coupons') }}

),

named as (

    select
        account,
        subscription_id,
        invoice_id,
        line_id,
        {{ json_id('discount_amount', 'discount') }} as discount_id,
        {{ json_integer('discount_amount', 'amount') }} as discount_minor

    from unnested

),

matched as (

    select
        named.*,
        coupons.coupon_duration

    from named

    left join coupons on named.account = coupons.account and named.discount_id = coupons.discount_id

    where named.discount_minor <> 0

)

select * from matched
