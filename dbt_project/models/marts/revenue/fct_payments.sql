with

charges as (

    select * from {{ ref('stg_stripe__charges') }}

),

refunds as (

    select * from {{ ref('stg_stripe__refunds') }}

    where refund_status not in ('failed', 'canceled')

),

invoices_of_charges as (

    select * from {{ ref('int_charges_matched_to_invoices') }}

),

balance_transactions as (

    select * from {{ ref('stg_stripe__balance_transactions') }}

),

customers as (

    select * from {{ ref('int_customers_linked_to_persons') }}

),

guests as (

    select * from {{ ref('int_guests_linked_to_persons') }}

),

paid as (

    select
        account,
        charge_id as payment_id,
        'charge' as kind,
        charge_id,
        balance_transaction_id,
        currency,
        coalesce(captured_minor, amount_minor) as amount_minor,
        charged_at as paid_at

    from charges

    where charge_status = 'succeeded' and is_captured

),

given_back as (

    select
        account,
        refund_id as payment_id,
        'refund' as kind,
        charge_id,
        balance_transaction_id,
        currency,
        -amount_minor as amount_minor,
        refunded_at as paid_at

    from refunds

),

united as (

    select * from paid

    union all

    select * from given_back

),

described as (

    select
        united.account,
        united.payment_id,
        united.kind,
        united.charge_id,
        invoices_of_charges.invoice_id,
        charges.customer_id,
        coalesce(customers.person_id, guests.person_id) as person_id,
        united.currency,
        united.amount_minor,
        balance_transactions.settlement_currency,
        balance_transactions.settled_minor,
        balance_transactions.fee_minor,
        balance_transactions.net_minor,
        balance_transactions.exchange_rate,
        united.paid_at,
        {{ reporting_date('united.paid_at') }} as paid_date

    from united

    left join charges on united.account = charges.account and united.charge_id = charges.charge_id

    left join invoices_of_charges
        on united.account = invoices_of_charges.account and united.charge_id = invoices_of_charges.charge_id

    left join balance_transactions
        on
            united.account = balance_transactions.account
            and united.balance_transaction_id = balance_transactions.balance_transaction_id

    left join customers on charges.account = customers.account and charges.customer_id = customers.customer_id

    left join guests on charges.customer_id is null and charges.email = guests.email

)

select * from described
