with

source as (

    select * from {{ source('raw_stripe', 'object_versions') }}

    where object = 'invoice_payment' and not is_deleted

),

newest as (

    select * from source

    qualify row_number() over (partition by account, id order by version_at desc, sequence desc) = 1

),

renamed as (

    {% call parsed_once('payload', 'newest') %}
    select
        account,
        id as invoice_payment_id,
        {{ json_id('payload', 'invoice') }} as invoice_id,
        {{ json_id('payload', 'payment.payment_intent') }} as payment_intent_id,
        {{ json_id('payload', 'payment.charge') }} as charge_id

    from newest
    {% endcall %}

)

select * from renamed
