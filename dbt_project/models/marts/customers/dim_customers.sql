with

persons as (

    select * from {{ ref('int_facts_gathered_to_person') }}

),

payments as (

    select * from {{ ref('agg_person_payments') }}

),

subscriptions as (

    select * from {{ ref('agg_person_subscriptions') }}

),

events as (

    select * from {{ ref('int_events_summed_to_person') }}

),

consents as (

    select distinct address_key from {{ ref('stg_state__consents') }}

    where withdrawn_at is null

),

described as (

    select
        -- ids
        persons.person_id,
        persons.user_id,
        persons.stripe_customer_ids,

        -- strings
        persons.email,
        persons.first_name,
        persons.name,
        persons.country,
        subscriptions.subscription_status,
        subscriptions.plan,
        subscriptions.mrr_currency,
        coalesce(payments.currency, persons.currency) as currency,

        -- numerics
        coalesce(subscriptions.mrr_minor, 0) as mrr_minor,
        coalesce(payments.lifetime_value_minor, 0) as lifetime_value_minor,
        coalesce(payments.payments_count, 0) as payments_count,
        coalesce(events.event_count, 0) as event_count,

        -- booleans
        consents.address_key is not null as has_consent,
        persons.is_guest,

        -- timestamps
        least(persons.first_seen_at, events.first_event_at, payments.customer_since) as first_seen_at,
        greatest(persons.last_seen_at, events.last_event_at, payments.last_paid_at) as last_seen_at,
        payments.customer_since

    from persons

    left join payments on persons.person_id = payments.person_id

    left join subscriptions on persons.person_id = subscriptions.person_id

    left join events on persons.user_id = events.user_id

    left join consents on {{ sha256_hex('persons.email') }} = consents.address_key

)

select * from described
