-- Each row opens where the customer's last one closed; nothing appears between two rows.
with

in_order as (

    select
        *,
        coalesce(lag(closing_minor) over customer_in_order, 0) as carried_minor

    from {{ ref('fct_mrr_movements_daily') }}

    window customer_in_order as (partition by profile, account, customer_id, currency order by changed_date)

)

select * from in_order

where
    opening_minor <> carried_minor
    or opening_minor + amount_minor <> closing_minor
    or amount_minor = 0
    or closing_minor < 0
