with

source as (

    select * from {{ source('raw_stripe', 'payment_intents') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as payment_intent_id,
        {{ json_id('payload', 'customer') }} as customer_id,
        coalesce(
            {{ json_id('payload', 'latest_charge') }},
            {{ json_id('payload', 'charges.data[0]') }}
        ) as latest_charge_id,
        {{ json_id('payload', 'invoice') }} as invoice_id,

        -- strings
        {{ json_text('payload', 'status') }} as payment_intent_status,
        coalesce(
            {{ json_text('payload', 'last_payment_error.decline_code') }},
            {{ json_text('payload', 'last_payment_error.code') }}
        ) as last_error_code,
        {{ json_text('payload', 'cancellation_reason') }} as cancellation_reason,
        upper({{ json_text('payload', 'currency') }}) as currency,

        -- numerics
        {{ json_integer('payload', 'amount') }} as amount_minor,
        coalesce({{ json_integer('payload', 'amount_received') }}, 0) as received_minor,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at,
        {{ json_timestamp('payload', 'canceled_at') }} as canceled_at

    from source
    {% endcall %}

)

select * from renamed
