with

charges as (

    select * from {{ ref('stg_stripe__charges') }}

    where customer_id is null and email is not null and charge_status = 'succeeded'

),

users as (

    select * from {{ ref('int_emails_linked_to_users') }}

),

-- two charges of one second must not give one name today and another tomorrow
numbered as (

    select
        *,
        row_number() over (partition by email order by charged_at, account, charge_id) as charge_number

    from charges

),

guests as (

    select
        email,
        {{ value_at_most('name', 'charge_number') }} as name,
        {{ value_at_most('country', 'charge_number') }} as country,
        min(charged_at) as first_charged_at

    from numbered

    group by all

),

linked as (

    select
        guests.email,
        coalesce(users.user_id, {{ person_of_email('guests.email') }}) as person_id,
        users.user_id,
        guests.name,
        guests.country,
        guests.first_charged_at

    from guests

    left join users on guests.email = users.email

)

select * from linked
