with

source as (

    select * from {{ source('raw_stripe', 'customers') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as customer_id,
        nullif({{ json_text('payload', 'metadata.user_id') }}, '') as user_id,

        -- strings
        {{ normalised_email(json_text('payload', 'email')) }} as email,
        nullif(trim({{ json_text('payload', 'name') }}), '') as name,
        upper({{ json_text('payload', 'address.country') }}) as country,
        upper({{ json_text('payload', 'currency') }}) as currency,

        -- booleans
        is_deleted,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at

    from source
    {% endcall %}

)

select * from renamed
