with

source as (

    select * from {{ source('raw_events', 'identities') }}

),

renamed as (

    select
        -- ids
        user_id,

        -- strings
        {{ normalised_email('email') }} as email,
        nullif(trim(first_name), '') as first_name,
        nullif(trim({{ json_text('traits', 'name') }}), '') as name,
        upper(country) as country,

        -- timestamps
        first_identified_at,
        last_identified_at

    from source

)

select * from renamed
