with

charges as (

    select * from {{ ref('stg_stripe__charges') }}

),

invoices as (

    select
        account,
        invoice_id,
        charge_id,
        payment_intent_id
    from {{ ref('stg_stripe__invoices') }}

),

invoice_payments as (

    select
        account,
        invoice_id,
        charge_id,
        payment_intent_id
    from {{ ref('stg_stripe__invoice_payments') }}

),

-- today a payment names its invoice; before 2025 the invoice named its charge
links as (

    select * from invoice_payments

    union all

    select * from invoices

),

by_charge as (

    select
        account,
        charge_id,
        min(invoice_id) as invoice_id
    from links
    where charge_id is not null
    group by all

),

by_intent as (

    select
        account,
        payment_intent_id,
        min(invoice_id) as invoice_id
    from links
    where payment_intent_id is not null
    group by all

),

matched as (

    select
        charges.account,
        charges.charge_id,
        coalesce(charges.invoice_id, by_charge.invoice_id, by_intent.invoice_id) as invoice_id

    from charges

    left join by_charge on charges.account = by_charge.account and charges.charge_id = by_charge.charge_id

    left join by_intent
        on charges.account = by_intent.account and charges.payment_intent_id = by_intent.payment_intent_id

)

select * from matched
