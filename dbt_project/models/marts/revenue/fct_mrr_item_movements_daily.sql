{{ config(materialized='kept', kept_by='customer') }}

with

balances as (

    select * from {{ touched('fct_mrr_item_balances_daily', 'customer') }}

),

compared as (

    select
        *,
        lag(balance_minor) over item_in_order as previous_minor,
        lag(price_id) over item_in_order as previous_price_id,
        lag(product_id) over item_in_order as previous_product_id

    from balances

    window item_in_order as (partition by {{ ledger_item() }} order by changed_date)

),

-- what an item had leaves its old price, what it has arrives at the new one
sides as (

    select
        profile,
        account,
        customer_id,
        currency,
        changed_date,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        balance_minor as amount_minor

    from compared

    union all

    select
        profile,
        account,
        customer_id,
        currency,
        changed_date,
        subscription_id,
        subscription_item_id,
        previous_price_id as price_id,
        previous_product_id as product_id,
        -previous_minor as amount_minor

    from compared

    where previous_minor is not null

)

select
    profile,
    account,
    customer_id,
    currency,
    changed_date,
    subscription_id,
    subscription_item_id,
    price_id,
    product_id,
    cast(sum(amount_minor) as bigint) as amount_minor

from sides

group by all

having sum(amount_minor) <> 0
