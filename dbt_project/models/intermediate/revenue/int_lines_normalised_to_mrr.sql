with

restored as (

    select
        *,
        {{ exact_ratio('gross_minor * full_seconds', 'line_seconds', 9) }} as whole_gross_minor

    from {{ ref('int_lines_measured_to_periods') }}

),

-- the amount was rounded to a minor unit: where the price agrees within that, the price is the truth
agreed as (

    select
        *,
        case
            when gross_minor > 0 and abs(whole_gross_minor - list_minor) * line_seconds <= full_seconds
                then cast(list_minor as decimal(38, 12))
            else cast(whole_gross_minor as decimal(38, 12))
        end as agreed_minor

    from restored

),

normalised as (

    select
        *,
        {{ monthly('agreed_minor', 'period_units') }} as taxed_mrr_minor

    from agreed

),

-- an invoice that was issued again for the same period replaces the first
deduplicated as (

    select * from normalised

    qualify
        row_number() over (
            partition by account, subscription_item_id, discount_rule, period_started_at
            order by is_proration asc, created_at desc, line_id asc
        ) = 1

)

select
    account,
    subscription_id,
    customer_id,
    subscription_item_id,
    invoice_id,
    line_id,
    price_id,
    product_id,
    currency,
    discount_rule,
    quantity,
    gross_minor,
    inclusive_tax_minor,
    is_proration,
    created_at,
    period_started_at,
    period_ended_at,
    counted_from,
    {{ net_of_inclusive_tax('taxed_mrr_minor', 'gross_minor', 'inclusive_tax_minor') }} as mrr_minor
from deduplicated
