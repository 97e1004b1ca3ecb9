with

profiles as (

    select * from {{ ref('definition_profiles') }}

),

-- on the way from one profile to another the rules are switched cause after cause; step 0 is the first itself
ways as (

    {% for step in range(rules_by_cause() | length + 1) %}
        select
            from_profile.profile as profile_a,
            to_profile.profile as profile_b,
            {{ step }} as step,
            {{ cause_of_step(step) }} as cause,
            {{ rules_at_step(step, 'from_profile', 'to_profile') }}
        from profiles as from_profile
        inner join profiles as to_profile on from_profile.profile < to_profile.profile
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

of_ways as (

    select
        profile_a,
        profile_b,
        step,
        cause,
        {{ rule_columns() }},
        {{ rule_set() }} as rule_set
    from ways

),

of_profiles as (

    select
        profile as profile_a,
        profile as profile_b,
        0 as step,
        cast(null as varchar) as cause,
        {{ rule_columns() }},
        {{ rule_set() }} as rule_set
    from profiles

),

united as (

    select * from of_ways

    union all

    select * from of_profiles

)

select
    *,
    {{ discount_rule() }} as discount_rule
from united
