with

source as (

    select * from {{ source('raw_stripe', 'credit_notes') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as credit_note_id,
        {{ json_id('payload', 'invoice') }} as invoice_id,
        {{ json_id('payload', 'customer') }} as customer_id,
        coalesce(
            {{ json_id('payload', 'refunds[0].refund') }},
            {{ json_id('payload', 'refund') }}
        ) as first_refund_id,

        -- strings
        {{ json_text('payload', 'number') }} as credit_note_number,
        {{ json_text('payload', 'status') }} as credit_note_status,
        {{ json_text('payload', 'type') }} as credit_note_type,
        {{ json_text('payload', 'reason') }} as credit_note_reason,
        upper({{ json_text('payload', 'currency') }}) as currency,
        {{ json_part('payload', 'refunds') }} as refunds,

        -- numerics
        {{ json_integer('payload', 'amount') }} as amount_minor,
        {{ json_integer('payload', 'total') }} as total_minor,
        coalesce(
            {{ json_integer('payload', 'total_excluding_tax') }},
            {{ json_integer('payload', 'subtotal_excluding_tax') }},
            {{ json_integer('payload', 'total') }} - {{ json_sum('payload', 'tax_amounts', 'amount') }}
        ) as total_excluding_tax_minor,
        {{ json_integer('payload', 'out_of_band_amount') }} as out_of_band_minor,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at,
        {{ json_timestamp('payload', 'voided_at') }} as voided_at

    from source
    {% endcall %}

)

select * from renamed
