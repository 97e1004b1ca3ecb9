with

-- what ended for a failed payment makes the customer's churn of that day involuntary, whatever the currency
customer_days as (

    select
        profile,
        account,
        customer_id,
        changed_date,
        sum(closing_minor - opening_minor) as amount_minor,
        bool_or(closing_minor <> opening_minor) as is_moved,
        bool_or(is_involuntary) as is_involuntary

    from {{ ref('int_days_rounded_to_balances') }}

    group by all

),

-- over all currencies; only whether the sum is above 0 matters, so units may mix
balances as (

    select
        *,
        sum(amount_minor) over customer_in_order as closing_sum

    from customer_days

    where is_moved

    window customer_in_order as (partition by profile, account, customer_id order by changed_date)

),

states as (

    select
        profile,
        account,
        customer_id,
        changed_date,
        is_involuntary,
        closing_sum - amount_minor > 0 as was_paying,
        closing_sum > 0 as is_paying,
        coalesce(
            max(closing_sum) over (
                partition by profile, account, customer_id order by changed_date
                rows between unbounded preceding and 1 preceding
            ), 0
        ) > 0 as has_paid_before

    from balances

)

select * from states
