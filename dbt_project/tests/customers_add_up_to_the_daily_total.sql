{{ config(meta={'dagster': {'ref': {'name': 'fct_mrr_daily'}}}) }}

-- The last day's total, against each customer's ledger summed and rounded once.
with

balances as (

    select
        profile,
        account,
        currency,
        customer_id,
        {{ round_half_even('sum(delta_minor)') }} as mrr_minor

    from {{ ref('fct_mrr_changes') }}

    group by all

),

expected as (

    select
        profile,
        account,
        currency,
        sum(mrr_minor) as mrr_minor,
        count(*) filter (where mrr_minor > 0) as customers

    from balances

    group by all

),

last_days as (

    select * from {{ ref('fct_mrr_daily') }}

    qualify row_number() over (partition by profile, account, currency order by day desc) = 1

)

select
    expected.profile,
    expected.account,
    expected.currency,
    expected.mrr_minor,
    last_days.mrr_minor as daily_mrr_minor

from expected

left join last_days
    on
        expected.profile = last_days.profile
        and expected.account = last_days.account
        and expected.currency = last_days.currency

where
    expected.mrr_minor <> coalesce(last_days.mrr_minor, 0)
    or expected.customers <> coalesce(last_days.customers, 0)
