with

told as (

    select * from {{ ref('stg_stripe__customer_discounts') }}

),

-- one that the customer no longer has ended when that was told
gathered as (

    select
        account,
        customer_id,
        discount_id,
        max(coupon_id) as coupon_id,
        max(coupon_duration) as coupon_duration,
        max(coupon_currency) as coupon_currency,
        max(percent_off) as percent_off,
        max(amount_off_minor) as amount_off_minor,
        max(cast(applies_to_products as varchar)) as applies_to_products,
        min(discount_started_at) as discount_started_at,
        least(
            max(discount_ended_at), case when count(*) = count(next_version_at) then max(next_version_at) end
        ) as discount_ended_at

    from told

    group by all

)

select * from gathered
