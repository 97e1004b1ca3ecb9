with

source as (

    select * from {{ source('raw_stripe', 'checkout_sessions') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as checkout_session_id,
        {{ json_text('payload', 'client_reference_id') }} as client_reference_id,
        {{ json_id('payload', 'customer') }} as customer_id,
        {{ json_id('payload', 'payment_intent') }} as payment_intent_id,
        {{ json_id('payload', 'subscription') }} as subscription_id,
        {{ json_id('payload', 'invoice') }} as invoice_id,

        -- strings
        {{ normalised_email("coalesce(" ~ json_text('payload', 'customer_details.email') ~ ", "
            ~ json_text('payload', 'customer_email') ~ ")") }} as email,
        {{ json_text('payload', 'mode') }} as checkout_mode,
        {{ json_text('payload', 'status') }} as checkout_status,
        {{ json_text('payload', 'payment_status') }} as payment_status,
        upper({{ json_text('payload', 'currency') }}) as currency,

        -- numerics
        {{ json_integer('payload', 'amount_subtotal') }} as subtotal_minor,
        {{ json_integer('payload', 'amount_total') }} as total_minor,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at,
        {{ json_timestamp('payload', 'expires_at') }} as expires_at

    from source
    {% endcall %}

)

select * from renamed
