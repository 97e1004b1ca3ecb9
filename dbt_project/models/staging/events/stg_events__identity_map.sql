with

source as (

    select * from {{ source('raw_events', 'identity_map') }}

),

renamed as (

    select
        visitor_key,
        person_key,
        person_id,
        user_id,
        anonymous_id

    from source

)

select * from renamed
