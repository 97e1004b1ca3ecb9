with

changes as (

    select * from {{ ref('int_spans_chained_to_changes') }}

),

rule_sets as (

    select * from {{ ref('int_profiles_combined_to_rule_sets') }}

    where rule_set <> {{ every_profile() }}

),

subscriptions as (

    select
        account,
        subscription_id,
        cancellation_reason
    from {{ ref('stg_stripe__subscriptions') }}

),

-- what holds under every profile stands in each of them
of_profiles as (

    select
        changes.*,
        rule_sets.profile

    from changes

    inner join rule_sets
        on changes.rule_set = rule_sets.rule_set or changes.rule_set = {{ every_profile() }}

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
        source,
        object_id,
        event_id

    from of_profiles

)

select
    explained.*,
    explained.mrr_minor = 0
    and (
        explained.cause = 'unpaid'
        or (
            explained.cause in ('canceled', 'ended')
            and coalesce(subscriptions.cancellation_reason, '') = 'payment_failed'
        )
    ) as is_involuntary

from explained

left join subscriptions
    on explained.account = subscriptions.account and explained.subscription_id = subscriptions.subscription_id
