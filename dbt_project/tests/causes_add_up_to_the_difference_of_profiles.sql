{{ config(meta={'dagster': {'ref': {'name': 'fct_mrr_differences'}}}) }}

-- What sets two profiles apart at a customer, cause by cause, is the difference of the two ledgers.
with

ledgers as (

    select
        profile,
        account,
        customer_id,
        currency,
        sum(delta_minor) as mrr_minor

    from {{ ref('fct_mrr_changes') }}

    group by all

),

pairs as (

    select distinct
        profile_a,
        profile_b
    from {{ ref('fct_mrr_differences') }}

),

apart as (

    select
        pairs.profile_a,
        pairs.profile_b,
        ledgers.account,
        ledgers.customer_id,
        ledgers.currency,
        sum(case when ledgers.profile = pairs.profile_b then ledgers.mrr_minor else -ledgers.mrr_minor end)
            as difference_minor

    from pairs

    inner join ledgers on ledgers.profile in (pairs.profile_a, pairs.profile_b)

    group by all

),

explained as (

    select
        profile_a,
        profile_b,
        account,
        customer_id,
        currency,
        sum(delta_minor) as difference_minor

    from {{ ref('fct_mrr_differences') }}

    group by all

)

select apart.*

from apart

left join explained
    on
        apart.profile_a = explained.profile_a
        and apart.profile_b = explained.profile_b
        and apart.account = explained.account
        and apart.customer_id = explained.customer_id
        and apart.currency = explained.currency

where apart.difference_minor <> coalesce(explained.difference_minor, 0)
