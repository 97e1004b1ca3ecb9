with

source as (

    select * from {{ source('raw_state', 'address_keys') }}

),

renamed as (

    select
        email,
        address_key

    from source

)

select * from renamed
