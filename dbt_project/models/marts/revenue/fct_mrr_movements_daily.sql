{{ config(materialized='kept', kept_by='customer') }}

with

moved as (

    select * from {{ ref('int_days_rounded_to_balances') }}

    where closing_minor <> opening_minor

),

states as (

    select * from {{ ref('int_balances_summed_to_customers') }}

),

profiles as (

    select profile from {{ ref('definition_profiles') }}

),

classified as (

    select
        moved.profile,
        moved.account,
        moved.customer_id,
        moved.currency,
        moved.changed_date,
        case
            when not states.was_paying and states.has_paid_before then 'reactivation'
            when not states.was_paying then 'new'
            when not states.is_paying then 'churn'
            when moved.closing_minor > moved.opening_minor then 'expansion'
            else 'contraction'
        end as movement,
        moved.opening_minor,
        moved.closing_minor - moved.opening_minor as amount_minor,
        moved.closing_minor,
        states.is_involuntary and states.was_paying and not states.is_paying as is_involuntary

    from moved

    inner join states
        on
            moved.profile = states.profile
            and moved.account = states.account
            and moved.customer_id = states.customer_id
            and moved.changed_date = states.changed_date

),

-- what all profiles say stands in each of them
spread as (

    select
        profiles.profile,
        classified.account,
        classified.customer_id,
        classified.currency,
        classified.changed_date,
        classified.movement,
        classified.opening_minor,
        classified.amount_minor,
        classified.closing_minor,
        classified.is_involuntary

    from classified

    inner join profiles on classified.profile in (profiles.profile, {{ every_profile() }})

)

select * from spread
