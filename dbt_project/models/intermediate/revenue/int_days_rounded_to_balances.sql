with

balances as (

    select
        *,
        sum(delta_minor) over (
            partition by profile, account, customer_id, currency order by changed_date
        ) as exact_minor

    from {{ ref('int_changes_netted_to_days') }}

),

-- rounded once; a movement is the difference of two rounded balances
rounded as (

    select
        profile,
        account,
        customer_id,
        currency,
        changed_date,
        is_involuntary,
        {{ round_half_even('exact_minor') }} as closing_minor

    from balances

),

moved as (

    select
        *,
        coalesce(
            lag(closing_minor) over (
                partition by profile, account, customer_id, currency order by changed_date
            ), 0
        ) as opening_minor

    from rounded

)

select * from moved
