{{ config(materialized='kept', kept_by='subscription') }}

with

versions as (

    select * from {{ touched('stg_stripe__subscription_versions', 'subscription') }}

),

spans as (

    select * from {{ ref('int_versions_dated_to_spans') }}

),

-- a subscription says when its end was asked for, so what was seen late is known from then on
told as (

    select
        versions.account,
        versions.subscription_id,
        versions.customer_id,
        versions.event_id,
        versions.cancels_at,
        coalesce(versions.cancel_requested_at, spans.valid_from) as requested_at,
        case when versions.subscription_status = 'canceled' then versions.ended_at else spans.valid_to end
            as valid_to

    from versions

    inner join spans
        on versions.account = spans.account and versions.version_number = spans.version_number

    where versions.is_cancel_requested

),

requests as (

    select
        account,
        subscription_id,
        max(customer_id) as customer_id,
        min(event_id) as event_id,
        requested_at,
        max(cancels_at) as cancels_at,
        case when count(*) = count(valid_to) then max(valid_to) end as open_until

    from told

    group by account, subscription_id, requested_at

)

select
    *,
    {{ reporting_date('requested_at') }} as requested_date,
    {{ reporting_date('open_until') }} as open_until_date

from requests

where requested_at < {{ as_of() }} and (open_until is null or open_until > requested_at)
