with

sessions as (

    select * from {{ ref('stg_stripe__checkout_sessions') }}

    where customer_id is not null and client_reference_id is not null and checkout_status = 'complete'

),

identity_map as (

    select * from {{ ref('stg_events__identity_map') }}

),

owners as (

    select * from {{ ref('stg_events__owners') }}

),

users as (

    select distinct
        user_id as reference,
        user_id,
        1 as preference

    from identity_map

    where user_id is not null

),

visitors as (

    select distinct
        identity_map.anonymous_id as reference,
        owners.user_id,
        2 as preference

    from identity_map

    left join owners on identity_map.anonymous_id = owners.anonymous_id

    where identity_map.anonymous_id is not null

),

-- a reference that the events do not know may be anything: an order, a cart
known as (

    select * from users

    union all

    select * from visitors

),

-- the first purchase that tells a user, else the first that tells a visitor
linked as (

    select
        sessions.account,
        sessions.customer_id,
        coalesce(known.user_id, known.reference) as person_id,
        known.user_id

    from sessions

    inner join known on sessions.client_reference_id = known.reference

    qualify row_number() over (
        partition by sessions.account, sessions.customer_id
        order by known.user_id is null, sessions.created_at, sessions.checkout_session_id, known.preference
    ) = 1

)

select * from linked
