with

invoices as (

    select * from {{ ref('stg_stripe__invoices') }}

),

persons as (

    select * from {{ ref('int_customers_linked_to_persons') }}

),

linked as (

    select
        invoices.account,
        invoices.invoice_id,
        invoices.invoice_number,
        invoices.customer_id,
        persons.person_id,
        invoices.subscription_id,
        invoices.invoice_status,
        invoices.billing_reason,
        invoices.currency,
        invoices.subtotal_minor,
        cast(
            invoices.total_minor - coalesce(invoices.total_excluding_tax_minor, invoices.total_minor)
            as bigint
        ) as tax_minor,
        invoices.total_minor,
        cast(invoices.discount_minor as bigint) as discount_minor,
        invoices.due_minor,
        invoices.paid_minor,
        invoices.remaining_minor,
        invoices.attempt_count,
        invoices.invoice_status = 'paid' as is_paid,
        invoices.created_at,
        invoices.finalized_at,
        invoices.due_at,
        invoices.paid_at

    from invoices

    left join persons on invoices.account = persons.account and invoices.customer_id = persons.customer_id

)

select * from linked
