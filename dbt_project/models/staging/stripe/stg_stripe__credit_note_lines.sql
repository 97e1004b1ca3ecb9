with

source as (

    select * from {{ source('raw_stripe', 'credit_note_lines') }}

    where not is_deleted and {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as credit_note_line_id,
        parent_id as credit_note_id,
        {{ json_text('payload', 'invoice_line_item') }} as invoice_line_id,

        -- strings
        {{ json_text('payload', 'type') }} as line_type,
        {{ json_text('payload', 'description') }} as line_description,
        coalesce({{ json_part('payload', 'taxes') }}, {{ json_part('payload', 'tax_amounts') }}) as taxes,

        -- numerics
        {{ json_integer('payload', 'amount') }} as amount_minor,
        coalesce({{ json_integer('payload', 'discount_amount') }}, 0) as discount_minor,
        {{ json_decimal('payload', 'quantity') }} as quantity,
        coalesce(
            {{ json_decimal('payload', 'unit_amount_decimal') }},
            {{ json_decimal('payload', 'unit_amount') }}
        ) as unit_amount_minor

    from source
    {% endcall %}

)

select * from renamed
