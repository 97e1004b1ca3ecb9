with

profiles as (

    select * from {{ ref('definition_profiles') }}

),

of_profiles as (

    select
        profiles.profile as rule_set,
        {{ discount_rule() }} as discount_rule,
        profiles.*
    from profiles

),

-- what no rule could change is computed once, under the default's
of_all as (

    select
        {{ every_profile() }} as rule_set,
        {{ every_profile() }} as discount_rule,
        profiles.*
    from profiles
    where profiles.profile = {{ default_profile() }}

),

united as (

    select * from of_profiles

    union all

    select * from of_all

)

select * from united
