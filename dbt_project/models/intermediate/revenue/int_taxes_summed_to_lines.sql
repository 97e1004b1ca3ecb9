with

unnested as (

    select
        account,
        invoice_id,
        line_id,
        {{ json_elements('taxes') }} as tax_amount

    from {{ ref('int_lines_gathered_to_subscriptions') }}

),

inclusive as (

    select
        account,
        invoice_id,
        line_id,
        sum({{ json_integer('tax_amount', 'amount') }}) as tax_minor

    from unnested

    where
        {{ json_text('tax_amount', 'tax_behavior') }} = 'inclusive'
        or {{ json_boolean('tax_amount', 'inclusive') }}

    group by all

)

select * from inclusive
