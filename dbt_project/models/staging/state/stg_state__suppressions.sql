with

source as (

    select * from {{ source('raw_state', 'suppressions') }}

),

renamed as (

    select
        address_key,
        scope,
        reason as suppression_reason,
        source as suppression_source,
        created_at as suppressed_at

    from source

)

select * from renamed
