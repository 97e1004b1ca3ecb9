with

customers as (

    select * from {{ ref('int_customers_linked_to_persons') }}

),

identities as (

    select * from {{ ref('stg_events__identities') }}

),

guests as (

    select * from {{ ref('int_guests_linked_to_persons') }}

),

-- what a person said about themselves speaks before Stripe's customer, and that before a guest's receipt
facts as (

    select
        user_id as person_id,
        user_id,
        cast(null as varchar) as customer_id,
        1 as fact_rank,
        email,
        first_name,
        name,
        country,
        cast(null as varchar) as currency,
        first_identified_at as first_seen_at,
        last_identified_at as last_seen_at

    from identities

    union all

    select
        person_id,
        user_id,
        customer_id,
        2 as fact_rank,
        email,
        split_part(name, ' ', 1) as first_name,
        name,
        country,
        currency,
        created_at as first_seen_at,
        created_at as last_seen_at

    from customers

    union all

    select
        person_id,
        user_id,
        cast(null as varchar) as customer_id,
        3 as fact_rank,
        email,
        split_part(name, ' ', 1) as first_name,
        name,
        country,
        cast(null as varchar) as currency,
        first_charged_at as first_seen_at,
        first_charged_at as last_seen_at

    from guests

),

ranked as (

    select
        *,
        row_number() over (
            partition by person_id order by fact_rank asc, last_seen_at desc nulls last, customer_id asc
        ) as fact_order

    from facts

),

gathered as (

    select
        person_id,
        max(user_id) as user_id,
        coalesce({{ sorted_list('customer_id') }}, {{ empty_list() }}) as stripe_customer_ids,
        {{ value_at_least('email', 'fact_order') }} as email,
        {{ value_at_least('first_name', 'fact_order') }} as first_name,
        {{ value_at_least('name', 'fact_order') }} as name,
        {{ value_at_least('country', 'fact_order') }} as country,
        {{ value_at_least('currency', 'fact_order') }} as currency,
        min(fact_rank) = 3 as is_guest,
        coalesce(
            min(case when fact_rank = 1 then first_seen_at end),
            min(case when fact_rank = 2 then first_seen_at end)
        ) as signed_up_at,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at

    from ranked

    group by person_id

)

select * from gathered
