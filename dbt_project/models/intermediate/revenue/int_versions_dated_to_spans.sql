with

versions as (

    select * from {{ ref('stg_stripe__subscription_versions') }}

),

newest as (

    select
        account,
        subscription_id,
        payload_hash
    from {{ ref('stg_stripe__subscriptions') }}

),

billed as (

    select
        account,
        subscription_id,
        min(period_started_at) as first_billed_at
    from {{ ref('int_lines_normalised_to_mrr') }}
    where mrr_minor > 0
    group by all

),

-- versions of one second: the last as the loader has it; else the end, then the newest, then a fixed order
one_per_moment as (

    select versions.* from versions

    left join newest
        on versions.account = newest.account and versions.subscription_id = newest.subscription_id

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
        one_per_moment.*,
        lag(one_per_moment.version_at) over versions_in_order as previous_at,
        lag(one_per_moment.subscription_status) over versions_in_order as previous_status,
        coalesce(billed.first_billed_at < one_per_moment.version_at, false) as is_billed_before

    from one_per_moment

    left join billed
        on one_per_moment.account = billed.account and one_per_moment.subscription_id = billed.subscription_id

    window versions_in_order as (
        partition by one_per_moment.account, one_per_moment.subscription_id order by one_per_moment.version_at
    )

),

-- the first version of a subscription without earlier lines also tells about the time before it
flagged as (

    select
        *,
        previous_at is null and not is_billed_before as is_reaching_back,
        subscription_status in ('active', 'past_due') as is_counted_status

    from in_order

),

dated as (

    select
        *,
        case
            when is_reaching_back then least(version_at, coalesce(trial_ended_at, started_at, version_at))
            when subscription_status = 'canceled'
                then greatest(
                    least(coalesce(ended_at, version_at), version_at),
                    coalesce(previous_at, ended_at, version_at)
                )
            when
                previous_status = 'trialing' and is_counted_status
                and trial_ended_at > previous_at and trial_ended_at < version_at
                then trial_ended_at
            else version_at
        end as valid_from,
        (is_counted_status or (subscription_status = 'canceled' and is_reaching_back))
        and not (coalesce(pause_behavior, '') = 'void' and pause_ended_at is null) as is_counted

    from flagged

),

bounded as (

    select
        *,
        least(
            lead(valid_from) over (partition by account, subscription_id order by version_at),
            ended_at
        ) as valid_to,
        case
            when pause_behavior = 'void' then greatest(valid_from, pause_ended_at)
            else valid_from
        end as counted_from

    from dated

)

select
    account,
    version_number,
    event_id,
    subscription_id,
    customer_id,
    subscription_status,
    currency,
    valid_from,
    case when is_counted then valid_to else lead(valid_from) over versions_in_order end as valid_to,
    counted_from,
    is_counted,
    previous_at is null as is_first

from bounded

window versions_in_order as (partition by account, subscription_id order by version_at)
