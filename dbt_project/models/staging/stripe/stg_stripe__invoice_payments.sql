with

source as (

    select * from {{ source('raw_stripe', 'invoice_payments') }}

    where not is_deleted and {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        account,
        id as invoice_payment_id,
        {{ json_id('payload', 'invoice') }} as invoice_id,
        {{ json_id('payload', 'payment.payment_intent') }} as payment_intent_id,
        {{ json_id('payload', 'payment.charge') }} as charge_id

    from source
    {% endcall %}

)

select * from renamed
