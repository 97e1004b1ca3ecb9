-- Paying at the start + new + reactivated - churned = paying at the end, per customer over all currencies.
with

days as (

    select
        profile,
        account,
        customer_id,
        changed_date,
        sum(closing_minor - opening_minor) as amount_minor,
        max(case
            when movement in ('new', 'reactivation') then 1
            when movement = 'churn' then -1
            else 0
        end) as gained,
        max(case when movement = 'new' then 1 else 0 end) as is_new

    from {{ ref('fct_mrr_movements_daily') }}

    group by all

),

running as (

    select
        profile,
        account,
        customer_id,
        changed_date,
        sum(amount_minor) over customer_in_order as balance_minor,
        sum(gained) over customer_in_order as paying,
        sum(is_new) over customer_in_order as times_new

    from days

    window customer_in_order as (partition by profile, account, customer_id order by changed_date)

)

select * from running

where paying <> case when balance_minor > 0 then 1 else 0 end or times_new <> 1
