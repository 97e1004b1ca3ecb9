{{ config(meta={'dagster': {'ref': {'name': 'fct_mrr_item_movements_daily'}}}) }}

-- On every day what a customer's items moved, whatever their plan, is what the customer moved.
with

moved as (

    select
        profile,
        account,
        customer_id,
        currency,
        changed_date,
        sum(amount_minor) as items_minor,
        0 as customer_minor

    from {{ ref('fct_mrr_item_movements_daily') }}

    group by all

    union all

    select
        profile,
        account,
        customer_id,
        currency,
        changed_date,
        0 as items_minor,
        amount_minor as customer_minor

    from {{ ref('fct_mrr_movements_daily') }}

)

select
    profile,
    account,
    customer_id,
    currency,
    changed_date,
    sum(items_minor) as items_minor,
    sum(customer_minor) as customer_minor

from moved

group by all

having sum(items_minor) <> sum(customer_minor)
