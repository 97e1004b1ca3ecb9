with

identities as (

    select
        user_id,
        email,
        first_identified_at as known_at
    from {{ ref('stg_events__identities') }}

),

stripe_customers as (

    select * from {{ ref('stg_stripe__customers') }}

),

referred as (

    select * from {{ ref('int_references_linked_to_persons') }}

    where user_id is not null

),

customers as (

    select
        coalesce(stripe_customers.user_id, referred.user_id) as user_id,
        stripe_customers.email,
        stripe_customers.created_at as known_at

    from stripe_customers

    left join referred
        on stripe_customers.account = referred.account and stripe_customers.customer_id = referred.customer_id

    where coalesce(stripe_customers.user_id, referred.user_id) is not null

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
