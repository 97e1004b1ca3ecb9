with

ways as (

    select * from {{ ref('int_profiles_walked_to_profiles') }}

),

-- the same rules are one set, whoever has them
distinct_sets as (

    select distinct
        rule_set,
        discount_rule,
        {{ rule_columns() }}
    from ways

),

-- what no rule could change is computed once, under the default's
of_all as (

    select
        {{ every_profile() }} as rule_set,
        {{ every_profile() }} as discount_rule,
        {{ rule_columns() }}
    from ways
    where profile_a = {{ default_profile() }} and profile_b = {{ default_profile() }}

),

united as (

    select * from distinct_sets

    union all

    select * from of_all

)

select * from united
