with

payments as (

    select * from {{ ref('fct_payments') }}

    where person_id is not null

),

per_currency as (

    select
        person_id,
        currency,
        sum(amount_minor) as paid_minor,
        count(*) filter (where kind = 'charge') as payments_count,
        min(paid_at) filter (where kind = 'charge') as first_paid_at,
        max(paid_at) as last_paid_at

    from payments

    group by all

),

-- the currency paid in most often stands for the person
summed as (

    select
        person_id,
        {{ value_at_most('currency', 'payments_count') }} as currency,
        cast(sum(payments_count) as bigint) as payments_count,
        min(first_paid_at) as customer_since,
        max(last_paid_at) as last_paid_at

    from per_currency

    group by all

)

select
    summed.*,
    cast(per_currency.paid_minor as bigint) as lifetime_value_minor

from summed

inner join per_currency
    on summed.person_id = per_currency.person_id and summed.currency = per_currency.currency
