with

spans as (

    select * from {{ ref('int_item_spans_united') }}

),

-- a span sets the item's balance where it starts; where it ends, nothing holds unless another starts
points as (

    select
        rule_set,
        account,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        quantity,
        source,
        object_id,
        event_id,
        subscription_status,
        valid_from as changed_at,
        mrr_minor,
        1 as precedence

    from spans

    union all

    select
        rule_set,
        account,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        quantity,
        source,
        object_id,
        cast(null as varchar) as event_id,
        'over' as subscription_status,
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

),

compared as (

    select
        *,
        cast(mrr_minor - coalesce(lag(mrr_minor) over item_in_order, 0) as decimal(38, 9)) as delta_minor,
        lag(mrr_minor) over item_in_order as previous_minor,
        coalesce(max(mrr_minor) over (item_in_order rows between unbounded preceding and 1 preceding), 0)
            as highest_minor,
        lag(price_id) over item_in_order as previous_price_id,
        lag(quantity) over item_in_order as previous_quantity,
        lag(subscription_status) over item_in_order as previous_status

    from balances

    window item_in_order as (
        partition by rule_set, account, subscription_id, subscription_item_id, currency order by changed_at
    )

)

select * from compared

-- a switch to a plan of the same worth moves nothing but is one
where delta_minor <> 0 or (mrr_minor > 0 and price_id <> previous_price_id)
