with

source as (

    select * from {{ source('raw_email', 'events') }}

),

renamed as (

    select
        -- ids
        event_id,
        dedupe_key as recipient_id,
        campaign,
        coalesce(occurrence, 'once') as occurrence,
        person_id,
        message_id,
        address_key,

        -- strings
        event,
        url,
        reason,
        bounce_type,

        -- booleans
        {{ json_boolean('payload', 'sg_machine_open') }} or (event = 'open' and coalesce(is_machine, false))
            as is_machine_open,
        event = 'click' and coalesce(is_machine, false) as is_scanner_click,

        -- timestamps
        event_at,
        received_at

    from source

)

select * from renamed
