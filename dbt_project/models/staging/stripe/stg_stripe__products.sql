with

source as (

    select * from {{ source('raw_stripe', 'products') }}

    where {{ is_of_mode() }}

),

renamed as (

    select
        -- ids
        account,
        id as product_id,

        -- strings
        {{ json_text('payload', 'name') }} as product_name,
        {{ json_text('payload', 'description') }} as product_description,

        -- booleans
        {{ json_boolean('payload', 'active') }} and not is_deleted as is_active,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at

    from source

)

select * from renamed
