with

source as (

    select * from {{ source('raw_stripe', 'events') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as stripe_event_id,
        {{ json_text('payload', 'data.object.id') }} as object_id,

        -- strings
        {{ json_text('payload', 'type') }} as event_type,
        {{ json_text('payload', 'data.object.object') }} as object_kind,
        api_version,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at

    from source
    {% endcall %}

)

select * from renamed
