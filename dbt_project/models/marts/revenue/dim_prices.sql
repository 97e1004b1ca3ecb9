with

prices as (

    select * from {{ ref('stg_stripe__prices') }}

),

products as (

    select * from {{ ref('stg_stripe__products') }}

),

named as (

    select
        prices.account,
        prices.price_id,
        prices.product_id,
        products.product_name,
        prices.price_nickname,
        prices.price_type,
        prices.billing_scheme,
        prices.usage_type,
        prices.period_interval as interval,
        prices.interval_count,
        prices.price_currency as currency,
        prices.unit_amount_minor,
        prices.is_active,
        prices.created_at

    from prices

    left join products on prices.account = products.account and prices.product_id = products.product_id

)

select * from named
