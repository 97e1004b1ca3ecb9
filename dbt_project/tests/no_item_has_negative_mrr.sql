-- The ledger of an item adds up to its balance at every step and never falls below 0.
with

summed as (

    select
        *,
        sum(delta_minor) over (
            partition by profile, account, subscription_id, subscription_item_id, currency order by changed_at
        ) as running_minor

    from {{ ref('fct_mrr_changes') }}

)

select * from summed

where running_minor < 0 or running_minor <> mrr_minor or (delta_minor = 0 and cause <> 'price_changed')
