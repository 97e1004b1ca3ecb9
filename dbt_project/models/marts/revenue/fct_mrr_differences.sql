{{ config(materialized='kept', kept_by='customer') }}

with

changes as (

    select * from {{ ref('int_spans_chained_to_changes') }}

),

-- a step that switches nothing makes no difference
switches as (

    select
        profile_a,
        profile_b,
        step,
        cause,
        rule_set,
        lag(rule_set) over (partition by profile_a, profile_b order by step) as previous_rule_set
    from {{ ref('int_profiles_walked_to_profiles') }}
    where profile_a <> profile_b
    qualify rule_set <> previous_rule_set

),

-- what the ledger has after the step, less what it had before it
sides as (

    select
        switches.profile_a,
        switches.profile_b,
        switches.cause,
        changes.*,
        changes.delta_minor as difference_minor
    from changes
    inner join switches on changes.rule_set = switches.rule_set

    union all

    select
        switches.profile_a,
        switches.profile_b,
        switches.cause,
        changes.*,
        -changes.delta_minor as difference_minor
    from changes
    inner join switches on changes.rule_set = switches.previous_rule_set

),

summed as (

    select
        profile_a,
        profile_b,
        cause,
        account,
        customer_id,
        subscription_id,
        subscription_item_id,
        currency,
        changed_at,
        {{ reporting_date('changed_at') }} as changed_date,
        cast(sum(difference_minor) as decimal(38, 9)) as delta_minor

    from sides

    group by all

    having sum(difference_minor) <> 0

)

select * from summed
