with

charges as (

    select * from {{ ref('stg_stripe__charges') }}

    where charge_status = 'failed'

),

invoices_of_charges as (

    select * from {{ ref('int_charges_matched_to_invoices') }}

),

events as (

    select * from {{ ref('stg_stripe__events') }}

    where event_type = 'invoice.payment_failed'

),

failures as (

    select
        charges.account,
        invoices_of_charges.invoice_id,
        charges.charge_id as failed_id,
        cast(null as varchar) as event_id,
        charges.charged_at as failed_at

    from charges

    inner join invoices_of_charges
        on charges.account = invoices_of_charges.account and charges.charge_id = invoices_of_charges.charge_id

    where invoices_of_charges.invoice_id is not null

    union all

    select
        account,
        object_id as invoice_id,
        stripe_event_id as failed_id,
        stripe_event_id as event_id,
        created_at as failed_at

    from events

)

select * from failures
