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

        -- booleans
        -- who may get no mail when the audience is frozen is not drawn; later a sender has had the row
        not (state = 'suppressed' and owner is null and done_at <= planned_at)
        and coalesce(reason, '') <> 'global_holdout' as is_drawn,

        -- timestamps
        planned_at,
        not_before as due_at,
        in_flight_at as sent_at,
        done_at

    from source

)

select * from renamed
