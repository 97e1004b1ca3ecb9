with

-- the first version of a subscription without earlier lines also tells about the time before it
flagged as (

    select
        versions.*,
        versions.previous_at is null and not coalesce(billed.first_billed_at < versions.version_at, false)
            as is_reaching_back,
        versions.subscription_status in ('active', 'past_due') as is_going_on,
        case
            when
                versions.subscription_status = 'canceled' and versions.period_ended_at > versions.ended_at
                and coalesce(versions.cancellation_reason, '') <> 'payment_failed'
                then versions.period_ended_at
        end as paid_through_at

    from {{ ref('int_versions_put_in_order') }} as versions

    left join {{ ref('int_lines_searched_for_first_bills') }} as billed
        on versions.account = billed.account and versions.subscription_id = billed.subscription_id

),

dated as (

    select
        *,
        {{ version_valid_from() }} as valid_from,
        is_going_on or (subscription_status = 'canceled' and is_reaching_back) as is_counted

    from flagged

),

bounded as (

    select
        *,
        lead(valid_from) over versions_in_order as next_valid_from,
        case
            when is_counted and subscription_status = 'canceled' then paid_through_at
            else lead(paid_through_at) over versions_in_order
        end as served_until

    from dated

    window versions_in_order as (partition by account, subscription_id order by version_at)

)

select
    account,
    version_number,
    event_id,
    subscription_id,
    customer_id,
    subscription_status,
    currency,
    previous_at is null as is_first,
    is_counted,
    valid_from,
    case when is_counted then least(next_valid_from, ended_at) else next_valid_from end as valid_to,
    -- what is canceled before its paid period is over, as if it went on until then
    case when is_counted then valid_from else greatest(valid_from, paid_through_at) end as served_from,
    greatest(
        case when is_counted then least(next_valid_from, ended_at) else next_valid_from end, served_until
    ) as served_to,
    coalesce(pause_behavior, '') = 'void' as is_void,
    pause_ended_at,
    past_due_since,
    is_cancel_requested,
    case when previous_at is null and subscription_status = 'canceled' then cancel_requested_at end
        as cancel_requested_at

from bounded
