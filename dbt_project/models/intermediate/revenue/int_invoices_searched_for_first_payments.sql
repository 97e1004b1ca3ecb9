with

billed as (

    select distinct
        account,
        invoice_id,
        subscription_id
    from {{ ref('int_lines_gathered_to_subscriptions') }}

),

-- one over nothing, as at the start of a trial, is paid by itself
invoices as (

    select
        billed.account,
        billed.subscription_id,
        invoices.invoice_status,
        invoices.created_at

    from billed

    inner join {{ ref('stg_stripe__invoices') }} as invoices
        on billed.account = invoices.account and billed.invoice_id = invoices.invoice_id

    where invoices.total_minor > 0

),

searched as (

    select
        account,
        subscription_id,
        min(created_at) as first_billed_at,
        min(created_at) filter (where invoice_status = 'paid') as first_paid_from

    from invoices

    group by all

),

-- where the first invoice was paid, its status alone says when it began
late as (

    select
        account,
        subscription_id,
        first_paid_from
    from searched
    where first_paid_from is null or first_paid_from > first_billed_at

)

select * from late
