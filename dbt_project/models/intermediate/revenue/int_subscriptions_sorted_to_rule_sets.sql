with

rule_sets as (

    select * from {{ ref('int_profiles_combined_to_rule_sets') }}

    where rule_set <> {{ every_profile() }}

),

-- which rules there is more than one opinion about
disputes as (

    select
        count(distinct coalesce(past_due_days, -1)) > 1 as is_past_due_disputed,
        count(distinct pause_counts) > 1 as is_pause_disputed,
        count(distinct start_at) > 1 as is_start_disputed,
        count(distinct churn_at = 'period_end') > 1 as is_period_disputed,
        count(distinct churn_at = 'scheduled') > 1 as is_request_disputed
    from rule_sets

),

disputed as (

    select
        account,
        subscription_id
    from {{ ref('int_subscriptions_sorted_to_discount_rules') }}

    union

    select
        late.account,
        late.subscription_id
    from {{ ref('int_invoices_searched_for_first_payments') }} as late
    cross join disputes
    where disputes.is_start_disputed

    union

    select
        versions.account,
        versions.subscription_id
    from {{ ref('int_versions_dated_to_spans') }} as versions
    cross join disputes
    where
        (versions.is_void and disputes.is_pause_disputed)
        or (versions.past_due_since is not null and disputes.is_past_due_disputed)
        or (
            (
                versions.served_to is distinct from versions.valid_to
                or versions.served_from <> versions.valid_from
            )
            and disputes.is_period_disputed
        )
        or (
            (versions.is_cancel_requested or versions.cancel_requested_at is not null)
            and disputes.is_request_disputed
        )

)

select
    disputed.account,
    disputed.subscription_id,
    rule_sets.rule_set,
    rule_sets.discount_rule

from disputed

cross join rule_sets
