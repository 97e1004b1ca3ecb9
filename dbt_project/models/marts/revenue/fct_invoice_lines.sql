with

lines as (

    select * from {{ ref('stg_stripe__invoice_lines') }}

),

invoices as (

    select * from {{ ref('fct_invoices') }}

),

subscriptions as (

    select * from {{ ref('stg_stripe__subscriptions') }}

),

taken_off as (

    select * from {{ ref('int_line_amounts_taken_off') }}

)

select
    lines.account,
    lines.invoice_id,
    lines.line_id,
    invoices.customer_id,
    lines.subscription_id,
    lines.subscription_item_id,
    lines.price_id,
    lines.product_id,
    lines.currency,
    cast(
        lines.amount_minor
        - coalesce(taken_off.discount_minor, 0)
        - coalesce(taken_off.inclusive_tax_minor, 0) as bigint
    ) as net_minor,
    invoices.total_minor as invoice_total_minor,
    lines.is_proration,
    lines.period_started_at,
    lines.period_ended_at,
    subscriptions.ended_at as subscription_ended_at,
    invoices.is_paid,
    invoices.paid_at,
    {{ reporting_date('invoices.paid_at') }} as paid_date

from lines

inner join invoices on lines.account = invoices.account and lines.invoice_id = invoices.invoice_id

left join subscriptions
    on lines.account = subscriptions.account and lines.subscription_id = subscriptions.subscription_id

left join taken_off
    on
        lines.account = taken_off.account
        and lines.invoice_id = taken_off.invoice_id
        and lines.line_id = taken_off.line_id
