with

changes as (

    select * from {{ ref('fct_mrr_changes') }}

),

netted as (

    select
        profile,
        account,
        customer_id,
        currency,
        changed_date,
        sum(delta_minor) as delta_minor

    from changes

    group by all

),

balances as (

    select
        profile,
        account,
        customer_id,
        currency,
        changed_date,
        sum(delta_minor) over (
            partition by profile, account, customer_id, currency order by changed_date
        ) as exact_minor

    from netted

),

-- rounded once; a movement is the difference of two rounded balances
rounded as (

    select
        profile,
        account,
        customer_id,
        currency,
        changed_date,
        {{ round_half_even('exact_minor') }} as closing_minor

    from balances

),

moved as (

    select
        *,
        coalesce(
            lag(closing_minor)
                over (partition by profile, account, customer_id, currency order by changed_date),
            0
        ) as opening_minor

    from rounded

),

customer_days as (

    select
        profile,
        account,
        customer_id,
        changed_date,
        sum(closing_minor - opening_minor) as amount_minor

    from moved

    where closing_minor <> opening_minor

    group by all

),

involuntary_days as (

    select distinct
        profile,
        account,
        customer_id,
        changed_date
    from changes
    where is_involuntary

),

-- over all currencies; only whether the sum is above 0 matters, so units may mix
customer_balances as (

    select
        *,
        sum(amount_minor) over customer_in_order as closing_sum

    from customer_days

    window customer_in_order as (partition by profile, account, customer_id order by changed_date)

),

customer_states as (

    select
        *,
        closing_sum - amount_minor > 0 as was_paying,
        closing_sum > 0 as is_paying,
        coalesce(
            max(closing_sum) over (
                partition by profile, account, customer_id order by changed_date
                rows between unbounded preceding and 1 preceding
            ), 0
        ) > 0 as has_paid_before

    from customer_balances

),

classified as (

    select
        moved.profile,
        moved.account,
        moved.customer_id,
        moved.currency,
        moved.changed_date,
        case
            when not customer_states.was_paying and customer_states.has_paid_before then 'reactivation'
            when not customer_states.was_paying then 'new'
            when not customer_states.is_paying then 'churn'
            when moved.closing_minor > moved.opening_minor then 'expansion'
            else 'contraction'
        end as movement,
        moved.opening_minor,
        moved.closing_minor - moved.opening_minor as amount_minor,
        moved.closing_minor,
        involuntary_days.changed_date is not null
        and customer_states.was_paying and not customer_states.is_paying as is_involuntary

    from moved

    inner join customer_states
        on
            moved.profile = customer_states.profile
            and moved.account = customer_states.account
            and moved.customer_id = customer_states.customer_id
            and moved.changed_date = customer_states.changed_date

    left join involuntary_days
        on
            moved.profile = involuntary_days.profile
            and moved.account = involuntary_days.account
            and moved.customer_id = involuntary_days.customer_id
            and moved.changed_date = involuntary_days.changed_date

    where moved.closing_minor <> moved.opening_minor

)

select * from classified
