with

source as (

    select * from {{ source('raw_stripe', 'charges') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as charge_id,
        {{ json_id('payload', 'customer') }} as customer_id,
        {{ json_id('payload', 'payment_intent') }} as payment_intent_id,
        {{ json_id('payload', 'invoice') }} as invoice_id,
        {{ json_id('payload', 'balance_transaction') }} as balance_transaction_id,

        -- strings
        {{ normalised_email("coalesce(" ~ json_text('payload', 'billing_details.email') ~ ", "
            ~ json_text('payload', 'receipt_email') ~ ")") }} as email,
        nullif(trim({{ json_text('payload', 'billing_details.name') }}), '') as name,
        upper({{ json_text('payload', 'billing_details.address.country') }}) as country,
        {{ json_text('payload', 'status') }} as charge_status,
        {{ json_text('payload', 'failure_code') }} as failure_code,
        upper({{ json_text('payload', 'currency') }}) as currency,

        -- numerics
        {{ json_integer('payload', 'amount') }} as amount_minor,
        {{ json_integer('payload', 'amount_captured') }} as captured_minor,

        -- booleans
        coalesce({{ json_text('payload', 'captured') }}, 'true') = 'true' as is_captured,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as charged_at

    from source
    {% endcall %}

)

select * from renamed
