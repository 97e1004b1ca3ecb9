with

persons as (

    select * from {{ ref('int_facts_gathered_to_person') }}

    where email is not null

),

-- two users may have given one address: the one who stands for it elsewhere stands for it here
users as (

    select * from {{ ref('int_emails_linked_to_users') }}

),

linked as (

    select
        {{ sha256_hex('persons.email') }} as address_key,
        persons.person_id

    from persons

    left join users on persons.email = users.email

    qualify
        row_number() over (
            partition by persons.email
            order by (case when persons.user_id = users.user_id then 0 else 1 end) asc, persons.person_id asc
        ) = 1

)

select * from linked
