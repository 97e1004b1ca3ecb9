with

consents as (

    select * from {{ ref('stg_state__consents') }}

    where purpose = 'marketing'

),

suppressions as (

    select * from {{ ref('stg_state__suppressions') }}

    where scope in ('all', 'marketing') or scope like 'group:%'

),

-- a refusal of everything speaks before one of marketing mail only
refusals as (

    select * from suppressions

    qualify row_number() over (partition by address_key order by scope asc) = 1

),

gathered as (

    select
        coalesce(consents.address_key, refusals.address_key) as address_key,
        consents.granted_at as consent_granted_at,
        coalesce(consents.withdrawn_at is null or consents.granted_at > consents.withdrawn_at, false)
        and consents.address_key is not null as has_consent,
        coalesce(consents.granted_at <= consents.withdrawn_at, false)
        or coalesce(refusals.suppression_reason like 'unsubscribe%', false) as has_withdrawn,
        refusals.address_key is not null as is_suppressed,
        refusals.suppression_reason

    from consents

    full outer join refusals on consents.address_key = refusals.address_key

)

select * from gathered
