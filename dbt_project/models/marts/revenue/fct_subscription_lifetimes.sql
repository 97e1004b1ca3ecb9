with

changes as (

    select * from {{ ref('fct_mrr_changes') }}

),

moments as (

    select
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

    group by account, subscription_id, changed_at, changed_date

),

balances as (

    select
        *,
        sum(delta_minor) over (partition by account, subscription_id order by changed_at) as balance_minor

    from moments

),

firsts as (

    select
        account,
        subscription_id,
        min(changed_at) as started_at,
        min(changed_date) as started_date
    from balances
    where balance_minor > 0
    group by all

),

lasts as (

    select * from balances

    qualify row_number() over (partition by account, subscription_id order by changed_at desc) = 1

),

-- it came to nothing and stayed there; a pause of the collection is no end
lived as (

    select
        lasts.account,
        lasts.subscription_id,
        lasts.customer_id,
        firsts.started_at,
        firsts.started_date,
        lasts.balance_minor = 0 and lasts.is_no_pause as is_ended,
        case when lasts.balance_minor = 0 and lasts.is_no_pause then lasts.changed_at end as ended_at,
        case when lasts.balance_minor = 0 and lasts.is_no_pause then lasts.changed_date end as ended_date,
        case when lasts.balance_minor = 0 and lasts.is_no_pause then lasts.cause end as end_cause,
        lasts.balance_minor = 0 and lasts.is_no_pause and lasts.is_involuntary as is_involuntary

    from lasts

    inner join firsts on lasts.account = firsts.account and lasts.subscription_id = firsts.subscription_id

)

select * from lived
