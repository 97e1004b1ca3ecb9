with

versions as (

    select * from {{ touched('stg_stripe__subscription_versions', 'subscription') }}

),

newest as (

    select
        account,
        subscription_id,
        payload_hash,
        cancellation_reason
    from {{ touched('stg_stripe__subscriptions', 'subscription') }}

),

periods as (

    select
        account,
        version_number,
        max(period_ended_at) as period_ended_at
    from {{ ref('int_items_priced_to_amounts') }}
    group by all

),

-- versions of one second: the last as the loader has it; else the end, then the newest, then a fixed order
one_per_moment as (

    select
        versions.*,
        newest.cancellation_reason,
        periods.period_ended_at

    from versions

    left join newest
        on versions.account = newest.account and versions.subscription_id = newest.subscription_id

    left join periods
        on versions.account = periods.account and versions.version_number = periods.version_number

    qualify
        row_number() over (
            partition by versions.account, versions.subscription_id, versions.version_at
            order by
                versions.moment_order desc nulls last,
                (versions.subscription_status = 'canceled') desc,
                (versions.payload_hash = newest.payload_hash) desc,
                versions.payload_hash desc,
                versions.version_number desc
        ) = 1

),

in_order as (

    select
        *,
        lag(version_at) over versions_in_order as previous_at,
        lag(subscription_status) over versions_in_order as previous_status

    from one_per_moment

    window versions_in_order as (partition by account, subscription_id order by version_at)

)

select
    *,
    case when subscription_status = 'past_due' then max(
        case when previous_status is distinct from 'past_due' then version_at end
    ) over (partition by account, subscription_id order by version_at) end as past_due_since
from in_order
