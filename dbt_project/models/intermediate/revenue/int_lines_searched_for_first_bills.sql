{{ config(materialized='view') }}

with

billed as (

    select
        account,
        subscription_id,
        min(period_started_at) as first_billed_at
    from {{ ref('int_lines_normalised_to_mrr') }}
    where mrr_minor > 0
    group by all

)

select * from billed
