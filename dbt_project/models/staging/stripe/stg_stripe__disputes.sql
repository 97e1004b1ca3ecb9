with

source as (

    select * from {{ source('raw_stripe', 'disputes') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as dispute_id,
        {{ json_id('payload', 'charge') }} as charge_id,
        {{ json_id('payload', 'payment_intent') }} as payment_intent_id,

        -- strings
        {{ json_text('payload', 'status') }} as dispute_status,
        {{ json_text('payload', 'reason') }} as dispute_reason,
        upper({{ json_text('payload', 'currency') }}) as currency,

        -- numerics
        {{ json_integer('payload', 'amount') }} as amount_minor,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as disputed_at

    from source
    {% endcall %}

)

select * from renamed
