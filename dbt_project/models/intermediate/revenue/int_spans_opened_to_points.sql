{{ config(materialized='view') }}

with

spans as (

    select * from {{ ref('int_item_spans_united') }}

),

-- a span sets the item's balance where it starts; where it ends, nothing holds unless another starts
points as (

    select
        {{ columns_of_point() }}
        event_id,
        excluded_reason,
        valid_from as changed_at,
        mrr_minor,
        1 as precedence

    from spans

    union all

    select
        {{ columns_of_point() }}
        cast(null as varchar) as event_id,
        'ended' as excluded_reason,
        valid_to as changed_at,
        0 as mrr_minor,
        2 as precedence

    from spans

    where valid_to is not null

),

balances as (

    select * from points

    where changed_at < {{ as_of() }}

    qualify
        row_number() over (
            partition by rule_set, account, subscription_id, subscription_item_id, currency, changed_at
            order by precedence asc, mrr_minor desc
        ) = 1

)

select * from balances
