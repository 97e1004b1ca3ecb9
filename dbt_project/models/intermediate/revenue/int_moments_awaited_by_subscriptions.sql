{{ config(materialized='kept', kept_by='subscription') }}

with

spans as (

    select * from {{ ref('int_item_spans_united') }}

),

requests as (

    select
        versions.account,
        versions.subscription_id,
        coalesce(versions.cancel_requested_at, spans.valid_from) as awaited_at

    from {{ touched('stg_stripe__subscription_versions', 'subscription') }} as versions

    inner join {{ ref('int_versions_dated_to_spans') }} as spans
        on versions.account = spans.account and versions.version_number = spans.version_number

    where versions.is_cancel_requested

),

united as (

    select
        account,
        subscription_id,
        valid_from as awaited_at
    from spans

    union

    select
        account,
        subscription_id,
        valid_to as awaited_at
    from spans

    union

    select * from requests

)

select * from united

where awaited_at >= {{ as_of() }}
