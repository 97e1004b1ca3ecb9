with

charges as (

    select * from {{ ref('stg_stripe__charges') }}

    where charge_status = 'failed'

),

customers as (

    select * from {{ ref('int_customers_linked_to_persons') }}

),

guests as (

    select * from {{ ref('int_guests_linked_to_persons') }}

),

linked as (

    select
        coalesce(customers.person_id, guests.person_id) as person_id,
        charges.charged_at

    from charges

    left join customers on charges.account = customers.account and charges.customer_id = customers.customer_id

    left join guests on charges.customer_id is null and charges.email = guests.email

),

summed as (

    select
        person_id,
        count(*) as failed_payments_count,
        max(charged_at) as last_failed_payment_at

    from linked

    where person_id is not null

    group by all

)

select * from summed
