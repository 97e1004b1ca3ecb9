{{ config(materialized='kept', kept_by='subscription') }}

with

changes as (

    select * from {{ touched('fct_mrr_changes', 'subscription') }}

),

moments as (

    select
        profile,
        account,
        subscription_id,
        max(customer_id) as customer_id,
        changed_at,
        changed_date,
        sum(delta_minor) as delta_minor,
        min(cause) as cause,
        max(cause) <> 'paused' or min(cause) <> 'paused' as is_no_pause,
        bool_or(is_involuntary) as is_involuntary

    from changes

    group by profile, account, subscription_id, changed_at, changed_date

),

balances as (

    select
        *,
        sum(delta_minor) over (
            partition by profile, account, subscription_id order by changed_at
        ) as balance_minor

    from moments

),

placed as (

    select
        *,
        min(case when balance_minor > 0 then changed_at end) over of_subscription as started_at,
        min(case when balance_minor > 0 then changed_date end) over of_subscription as started_date

    from balances

    window of_subscription as (partition by profile, account, subscription_id)

),

-- it came to nothing and stayed there; a pause of the collection is no end
lasts as (

    select
        *,
        balance_minor = 0 and is_no_pause as is_ended

    from placed

    where started_at is not null

    qualify row_number() over (partition by profile, account, subscription_id order by changed_at desc) = 1

)

select
    profile,
    account,
    subscription_id,
    customer_id,
    started_at,
    started_date,
    is_ended,
    case when is_ended then changed_at end as ended_at,
    case when is_ended then changed_date end as ended_date,
    case when is_ended then cause end as end_cause,
    is_ended and is_involuntary as is_involuntary

from lasts
