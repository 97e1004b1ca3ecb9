with

source as (

    select * from {{ source('raw_events', 'owners') }}

),

renamed as (

    select
        anonymous_id,
        user_id

    from source

)

select * from renamed
