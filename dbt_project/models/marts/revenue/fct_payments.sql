with

charges as (

    select * from {{ ref('stg_stripe__charges') }}

),

refunds as (

    select * from {{ ref('stg_stripe__refunds') }}

),

disputes as (

    select * from {{ ref('int_disputes_booked_to_payments') }}

),

invoices_of_charges as (

    select * from {{ ref('int_charges_matched_to_invoices') }}

),

invoices as (

    select
        account,
        invoice_id,
        total_minor,
        total_minor - total_excluding_tax_minor as tax_minor
    from {{ ref('stg_stripe__invoices') }}

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
        charge_id as object_id,
        charge_id,
        balance_transaction_id,
        currency,
        coalesce(captured_minor, amount_minor) as amount_minor,
        charged_at as paid_at

    from charges

    where charge_status = 'succeeded' and is_captured

),

-- a refund that failed left the balance and came back: two movements, or none where it never left
given_back as (

    select
        account,
        refund_id as payment_id,
        'refund' as kind,
        refund_id as object_id,
        charge_id,
        balance_transaction_id,
        currency,
        -amount_minor as amount_minor,
        refunded_at as paid_at

    from refunds

    where
        refund_status not in ('failed', 'canceled')
        or (balance_transaction_id is not null and failure_balance_transaction_id is not null)

),

not_given_back as (

    select
        refunds.account,
        refunds.failure_balance_transaction_id as payment_id,
        'refund' as kind,
        refunds.refund_id as object_id,
        refunds.charge_id,
        refunds.failure_balance_transaction_id as balance_transaction_id,
        refunds.currency,
        refunds.amount_minor,
        coalesce(balance_transactions.created_at, refunds.refunded_at) as paid_at

    from refunds

    left join balance_transactions
        on
            refunds.account = balance_transactions.account
            and refunds.failure_balance_transaction_id = balance_transactions.balance_transaction_id

    where
        refunds.refund_status in ('failed', 'canceled')
        and refunds.balance_transaction_id is not null
        and refunds.failure_balance_transaction_id is not null

),

taken_back as (

    select
        account,
        balance_transaction_id as payment_id,
        'dispute' as kind,
        dispute_id as object_id,
        charge_id,
        balance_transaction_id,
        currency,
        amount_minor,
        booked_at as paid_at

    from disputes

),

united as (

    select * from paid

    union all

    select * from given_back

    union all

    select * from not_given_back

    union all

    select * from taken_back

),

described as (

    select
        united.account,
        united.payment_id,
        united.kind,
        united.object_id,
        united.charge_id,
        united.balance_transaction_id,
        invoices_of_charges.invoice_id,
        charges.customer_id,
        coalesce(customers.person_id, guests.person_id) as person_id,
        united.currency,
        united.amount_minor,
        -- of an invoice that was paid in parts each part carries its share
        case
            when united.kind = 'charge' and invoices.total_minor > 0 and invoices.tax_minor >= 0
                then cast({{ divide_half_even(
                    'cast(united.amount_minor as ' ~ whole_number() ~ ') * invoices.tax_minor',
                    'invoices.total_minor'
                ) }} as bigint)
        end as tax_minor,
        balance_transactions.settlement_currency,
        balance_transactions.settled_minor,
        balance_transactions.fee_minor,
        balance_transactions.net_minor,
        balance_transactions.exchange_rate,
        united.paid_at,
        {{ reporting_date('united.paid_at') }} as paid_date,
        balance_transactions.created_at as settled_at

    from united

    left join charges on united.account = charges.account and united.charge_id = charges.charge_id

    left join invoices_of_charges
        on united.account = invoices_of_charges.account and united.charge_id = invoices_of_charges.charge_id

    left join invoices
        on
            invoices_of_charges.account = invoices.account
            and invoices_of_charges.invoice_id = invoices.invoice_id

    left join balance_transactions
        on
            united.account = balance_transactions.account
            and united.balance_transaction_id = balance_transactions.balance_transaction_id

    left join customers on charges.account = customers.account and charges.customer_id = customers.customer_id

    left join guests on charges.customer_id is null and charges.email = guests.email

)

select * from described
