with

source as (

    select * from {{ source('raw_state', 'consent_events') }}

),

renamed as (

    select
        address_key,
        purpose,
        action,
        source as consent_source,
        told_at as happened_at

    from source

)

select * from renamed
