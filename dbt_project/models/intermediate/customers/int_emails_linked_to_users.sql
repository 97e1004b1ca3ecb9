with

identities as (

    select
        user_id,
        email,
        first_identified_at as known_at
    from {{ ref('stg_events__identities') }}

),

customers as (

    select
        user_id,
        email,
        created_at as known_at
    from {{ ref('stg_stripe__customers') }}

    where user_id is not null

),

claims as (

    select * from identities

    union all

    select * from customers

),

-- where several users gave one address, the first who did stands for it
first_claims as (

    select
        email,
        user_id
    from claims

    where email is not null

    qualify row_number() over (partition by email order by known_at nulls last, user_id) = 1

)

select * from first_claims
