{{ config(materialized='kept', kept_by='customer') }}

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

-- what holds under every profile stands in each of them
of_profiles as (

    select
        changes.*,
        profiles.profile

    from changes

    inner join profiles on changes.rule_set in (profiles.rule_set, {{ every_profile() }})

),

explained as (

    select
        {{ key_of([
            'profile', 'account', 'subscription_item_id', 'currency', 'cast(changed_at as varchar)'
        ]) }}
            as change_id,
        profile,
        account,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        changed_at,
        {{ reporting_date('changed_at') }} as changed_date,
        delta_minor,
        cast(mrr_minor as decimal(38, 9)) as mrr_minor,
        {{ cause_of_change() }} as cause,
        case when mrr_minor = 0 then excluded_reason end as excluded_reason,
        source,
        object_id,
        event_id,
        coalesce(is_involuntary, false) as is_involuntary

    from of_profiles

)

select * from explained
