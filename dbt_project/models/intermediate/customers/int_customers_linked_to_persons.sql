with

customers as (

    select * from {{ ref('stg_stripe__customers') }}

),

users as (

    select * from {{ ref('int_emails_linked_to_users') }}

),

referred as (

    select * from {{ ref('int_references_linked_to_persons') }}

),

linked as (

    select
        customers.account,
        customers.customer_id,
        coalesce(
            customers.user_id,
            referred.user_id,
            users.user_id,
            referred.person_id,
            {{ person_of_email('customers.email') }},
            customers.customer_id
        ) as person_id,
        coalesce(customers.user_id, referred.user_id, users.user_id) as user_id,
        customers.email,
        customers.name,
        customers.country,
        customers.currency,
        customers.created_at

    from customers

    left join referred
        on customers.account = referred.account and customers.customer_id = referred.customer_id

    left join users on customers.email = users.email

)

select * from linked
