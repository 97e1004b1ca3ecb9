{{ config(materialized='view') }}

with

changes as (

    select * from {{ ref('int_spans_chained_to_changes') }}

),

profiles as (

    select
        profile_a as profile,
        rule_set
    from {{ ref('int_profiles_walked_to_profiles') }}
    where profile_a = profile_b

),

disputed as (

    select distinct
        account,
        customer_id
    from changes
    where rule_set <> {{ every_profile() }}

),

-- a customer of whom all profiles say the same is netted once
spread as (

    select
        coalesce(profiles.profile, {{ every_profile() }}) as profile,
        changes.*

    from changes

    left join disputed
        on changes.account = disputed.account and changes.customer_id = disputed.customer_id

    left join profiles
        on
            disputed.customer_id is not null
            and changes.rule_set in (profiles.rule_set, {{ every_profile() }})

    where disputed.customer_id is null or profiles.profile is not null

),

netted as (

    select
        profile,
        account,
        customer_id,
        currency,
        {{ reporting_date('changed_at') }} as changed_date,
        sum(delta_minor) as delta_minor,
        bool_or(is_involuntary) as is_involuntary

    from spread

    group by all

)

select * from netted
