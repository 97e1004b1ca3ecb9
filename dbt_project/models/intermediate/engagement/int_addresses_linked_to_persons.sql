with

persons as (

    select * from {{ ref('int_facts_gathered_to_person') }}

    where email is not null

),

-- two users may have given one address: the one who stands for it elsewhere stands for it here
users as (

    select * from {{ ref('int_emails_linked_to_users') }}

),

address_keys as (

    select * from {{ ref('stg_state__address_keys') }}

),

keyed as (

    select
        coalesce(address_keys.address_key, {{ sha256_hex('persons.email') }}) as address_key,
        persons.person_id,
        coalesce(persons.user_id = users.user_id, false) as is_first_user

    from persons

    left join users on persons.email = users.email

    left join address_keys on persons.email = address_keys.email

),

-- two spellings may be one address, so it is the key that has one person
linked as (

    select
        address_key,
        person_id

    from keyed

    qualify row_number() over (partition by address_key order by is_first_user desc, person_id asc) = 1

)

select * from linked
