with

invoices as (

    select * from {{ ref('fct_invoices') }}

),

payments as (

    select * from {{ ref('fct_payments') }}

),

charges as (

    select * from {{ ref('stg_stripe__charges') }}

),

invoices_of_charges as (

    select * from {{ ref('int_charges_matched_to_invoices') }}

),

subscriptions as (

    select * from {{ ref('stg_stripe__subscriptions') }}

),

customers as (

    select * from {{ ref('int_customers_linked_to_persons') }}

),

guests as (

    select * from {{ ref('int_guests_linked_to_persons') }}

),

-- one that asked for nothing, as at the begin of a trial, is paid the moment it is made: nobody did anything
invoices_paid as (

    select
        account,
        'stripe:invoice_paid' as event,
        invoice_id as fact_id,
        person_id,
        customer_id,
        invoice_id,
        subscription_id,
        currency,
        paid_minor as amount_minor,
        paid_at as event_at

    from invoices

    where is_paid and paid_minor > 0

),

-- what a failed refund or a dispute moves is no payment and no refund
payments_made as (

    select
        account,
        case kind when 'charge' then 'stripe:payment_succeeded' else 'stripe:refund' end as event,
        payment_id as fact_id,
        person_id,
        customer_id,
        invoice_id,
        cast(null as varchar) as subscription_id,
        currency,
        amount_minor,
        paid_at as event_at

    from payments

    where kind = 'charge' or (kind = 'refund' and amount_minor < 0)

),

payments_failed as (

    select
        charges.account,
        'stripe:payment_failed' as event,
        charges.charge_id as fact_id,
        coalesce(customers.person_id, guests.person_id) as person_id,
        charges.customer_id,
        invoices_of_charges.invoice_id,
        cast(null as varchar) as subscription_id,
        charges.currency,
        charges.amount_minor,
        charges.charged_at as event_at

    from charges

    left join invoices_of_charges
        on charges.account = invoices_of_charges.account and charges.charge_id = invoices_of_charges.charge_id

    left join customers on charges.account = customers.account and charges.customer_id = customers.customer_id

    left join guests on charges.customer_id is null and charges.email = guests.email

    where charges.charge_status = 'failed'

),

-- one that never came about (incomplete, incomplete_expired) is none
of_persons as (

    select
        subscriptions.account,
        subscriptions.subscription_id,
        subscriptions.customer_id,
        customers.person_id,
        subscriptions.started_at,
        subscriptions.ended_at

    from subscriptions

    left join customers
        on subscriptions.account = customers.account and subscriptions.customer_id = customers.customer_id

    where subscriptions.subscription_status not in ('incomplete', 'incomplete_expired')

),

subscriptions_started as (

    select
        account,
        'stripe:subscription_started' as event,
        subscription_id as fact_id,
        person_id,
        customer_id,
        cast(null as varchar) as invoice_id,
        subscription_id,
        cast(null as varchar) as currency,
        cast(null as bigint) as amount_minor,
        started_at as event_at

    from of_persons

),

subscriptions_ended as (

    select
        account,
        'stripe:subscription_ended' as event,
        subscription_id as fact_id,
        person_id,
        customer_id,
        cast(null as varchar) as invoice_id,
        subscription_id,
        cast(null as varchar) as currency,
        cast(null as bigint) as amount_minor,
        ended_at as event_at

    from of_persons

),

united as (

    select * from invoices_paid

    union all

    select * from payments_made

    union all

    select * from payments_failed

    union all

    select * from subscriptions_started

    union all

    select * from subscriptions_ended

)

select * from united

where event_at is not null
