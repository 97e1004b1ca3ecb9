with

lines as (

    select * from {{ ref('stg_stripe__invoice_lines') }}

),

discount_amounts as (

    select
        account,
        invoice_id,
        line_id,
        {{ json_elements('discount_amounts') }} as discount_amount

    from lines

),

tax_amounts as (

    select
        account,
        invoice_id,
        line_id,
        {{ json_elements('taxes') }} as tax_amount

    from lines

),

united as (

    select
        account,
        invoice_id,
        line_id,
        {{ json_integer('discount_amount', 'amount') }} as discount_minor,
        0 as inclusive_tax_minor
    from discount_amounts

    union all

    select
        account,
        invoice_id,
        line_id,
        0 as discount_minor,
        {{ json_integer('tax_amount', 'amount') }} as inclusive_tax_minor
    from tax_amounts
    where
        {{ json_text('tax_amount', 'tax_behavior') }} = 'inclusive'
        or {{ json_boolean('tax_amount', 'inclusive') }}

)

select
    account,
    invoice_id,
    line_id,
    cast(sum(discount_minor) as bigint) as discount_minor,
    cast(sum(inclusive_tax_minor) as bigint) as inclusive_tax_minor
from united
group by all
