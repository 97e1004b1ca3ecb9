with

payments as (

    select * from {{ ref('fct_payments') }}

    where person_id is not null

),

failed as (

    select * from {{ ref('int_failures_summed_to_person') }}

),

per_currency as (

    select
        person_id,
        currency,
        sum(amount_minor) as lifetime_value_minor,
        -sum(amount_minor) filter (where kind = 'refund') as refunded_minor,
        count(*) filter (where kind = 'charge') as payments_count,
        -- a refund that failed comes back as a second row
        count(*) filter (where kind = 'refund' and amount_minor < 0)
        - count(*) filter (where kind = 'refund' and amount_minor > 0) as refunds_count,
        count(distinct charge_id) filter (where kind = 'dispute') as disputes_count,
        min(paid_at) filter (where kind = 'charge') as first_payment_at,
        max(paid_at) filter (where kind = 'charge') as last_payment_at

    from payments

    group by person_id, currency

),

-- the currency paid in most often stands for the person
ordered as (

    select
        *,
        row_number() over (
            partition by person_id order by payments_count desc, lifetime_value_minor desc, currency asc
        ) as currency_order

    from per_currency

),

summed as (

    select
        person_id,
        max(case when currency_order = 1 then currency end) as currency,
        cast(max(case when currency_order = 1 then lifetime_value_minor end) as bigint)
            as lifetime_value_minor,
        cast(coalesce(max(case when currency_order = 1 then refunded_minor end), 0) as bigint)
            as refunded_minor,
        cast(sum(payments_count) as bigint) as payments_count,
        cast(sum(refunds_count) as bigint) as refunds_count,
        cast(sum(disputes_count) as bigint) as disputes_count,
        min(first_payment_at) as customer_since,
        max(last_payment_at) as last_payment_at

    from ordered

    group by all

),

-- some only ever failed to pay
joined as (

    select
        coalesce(summed.person_id, failed.person_id) as person_id,
        summed.currency,
        summed.lifetime_value_minor,
        summed.refunded_minor,
        coalesce(summed.payments_count, 0) as payments_count,
        coalesce(summed.refunds_count, 0) as refunds_count,
        coalesce(summed.disputes_count, 0) as disputes_count,
        coalesce(failed.failed_payments_count, 0) as failed_payments_count,
        summed.customer_since,
        summed.last_payment_at,
        failed.last_failed_payment_at

    from summed

    full outer join failed on summed.person_id = failed.person_id

)

select * from joined
