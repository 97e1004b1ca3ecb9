with

source as (

    select * from {{ source('raw_state', 'consents') }}

),

renamed as (

    select
        address_key,
        purpose,
        source as consent_source,
        granted_at,
        withdrawn_at

    from source

)

select * from renamed
