with

source as (

    select * from {{ source('raw_events', 'events') }}

),

renamed as (

    select
        -- ids
        event_id,
        visitor_key,

        -- strings
        type,
        event,
        properties,
        context,

        -- booleans
        is_synthetic_id,

        -- timestamps
        event_at,
        received_at,
        day

    from source

)

select * from renamed
