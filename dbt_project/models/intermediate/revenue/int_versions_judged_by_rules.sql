{{ config(materialized='view') }}

with

versions as (

    select * from {{ ref('int_versions_dated_to_spans') }}

),

rules as (

    select * from {{ ref('int_profiles_combined_to_rule_sets') }}

),

ruled as (

    select
        versions.*,
        rules.rule_set,
        rules.discount_rule,
        rules.churn_at,
        rules.past_due_days,
        versions.is_void and not rules.pause_counts as is_paused,
        rules.start_at = 'first_paid' and late.subscription_id is not null as is_late,
        late.first_paid_from

    from versions

    left join {{ ref('int_subscriptions_sorted_to_rule_sets') }} as sorted
        on versions.account = sorted.account and versions.subscription_id = sorted.subscription_id

    inner join rules on coalesce(sorted.rule_set, {{ every_profile() }}) = rules.rule_set

    left join {{ ref('int_invoices_searched_for_first_payments') }} as late
        on versions.account = late.account and versions.subscription_id = late.subscription_id

),

judged as (

    select
        *,
        case
            when not is_counted then coalesce(subscription_status, 'unknown')
            when churn_at = 'scheduled' and is_cancel_requested then 'cancel_requested'
            when is_paused and pause_ended_at is null then 'collection_paused'
            when is_late and first_paid_from is null then 'not_paid'
        end as excluded_reason,
        case when churn_at = 'period_end' then served_from else valid_from end as holds_from,
        case
            when churn_at = 'period_end' then served_to
            when churn_at = 'scheduled' and cancel_requested_at is not null
                then least(valid_to, greatest(cancel_requested_at, valid_from))
            else valid_to
        end as holds_to

    from ruled

)

select
    account,
    rule_set,
    discount_rule,
    version_number,
    event_id,
    customer_id,
    subscription_id,
    subscription_status,
    excluded_reason,
    holds_from,
    holds_to,
    case when is_paused then pause_ended_at end as pause_ends_at,
    case when is_late then first_paid_from end as first_paid_from,
    past_due_since + past_due_days * interval 1 day as past_due_until

from judged
