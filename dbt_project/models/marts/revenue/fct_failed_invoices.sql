with

invoices as (

    select * from {{ ref('fct_invoices') }}

),

failures as (

    select * from {{ ref('int_failures_matched_to_invoices') }}

),

failed as (

    select
        account,
        invoice_id,
        min(failed_at) as first_failed_at,
        min(event_id) as event_id,
        -- an attempt may be told by its charge and by its event
        greatest(count(*) filter (where event_id is null), count(event_id)) as failures

    from failures

    where failed_at < {{ as_of() }}

    group by all

)

select
    failed.account,
    failed.invoice_id,
    failed.event_id,
    invoices.customer_id,
    invoices.subscription_id,
    invoices.invoice_status,
    invoices.currency,
    failed.failures,
    invoices.due_minor as failed_minor,
    case when invoices.is_paid and invoices.paid_at < {{ as_of() }} then invoices.due_minor else 0 end
        as recovered_minor,
    failed.first_failed_at,
    {{ reporting_date('failed.first_failed_at') }} as failed_date,
    case when invoices.is_paid and invoices.paid_at < {{ as_of() }} then invoices.paid_at end as recovered_at

from failed

inner join invoices on failed.account = invoices.account and failed.invoice_id = invoices.invoice_id

where invoices.due_minor > 0 and coalesce(invoices.paid_at >= failed.first_failed_at, true)
