with

source as (

    select * from {{ source('raw_state', 'campaign_recipients') }}

),

renamed as (

    select
        -- ids
        dedupe_key as recipient_id,
        campaign,
        occurrence,
        person_id,
        address_key,
        message_id,

        -- strings
        nullif(variant, '') as variant,
        state,
        reason,

        -- numerics
        attempt as attempt_count,

        -- timestamps
        planned_at,
        in_flight_at as sent_at,
        done_at

    from source

)

select * from renamed
