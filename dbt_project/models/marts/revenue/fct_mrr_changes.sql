with

spans as (

    select * from {{ ref('int_item_spans_united') }}

),

subscriptions as (

    select
        account,
        subscription_id,
        cancellation_reason
    from {{ ref('stg_stripe__subscriptions') }}

),

-- a span sets the item's balance where it starts; where it ends, nothing holds unless another starts
points as (

    select
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
            partition by account, subscription_id, subscription_item_id, currency, changed_at
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
        partition by account, subscription_id, subscription_item_id, currency order by changed_at
    )

),

explained as (

    select
        {{ key_of(['account', 'subscription_item_id', 'currency', 'cast(changed_at as varchar)']) }}
            as change_id,
        account,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        changed_at,
        {{ reporting_date('changed_at') }} as changed_date,
        delta_minor,
        cast(mrr_minor as decimal(38, 9)) as mrr_minor,
        case
            when mrr_minor = 0 and subscription_status = 'over' then 'ended'
            when mrr_minor = 0 and subscription_status in ('active', 'past_due') then 'paused'
            when mrr_minor = 0 and subscription_status is not null then subscription_status
            when mrr_minor = 0 then 'item_removed'
            when highest_minor = 0 and (previous_status = 'trialing' or previous_minor = 0)
                then 'trial_converted'
            when highest_minor = 0 then 'started'
            when previous_minor = 0 then 'resumed'
            when price_id <> previous_price_id then 'price_changed'
            when quantity <> previous_quantity then 'quantity_changed'
            else 'amount_changed'
        end as cause,
        source,
        object_id,
        event_id,
        '{{ profile_name() }}' as profile

    from compared

    where delta_minor <> 0

)

select
    explained.*,
    explained.mrr_minor = 0
    and (
        explained.cause = 'unpaid'
        or (
            explained.cause in ('canceled', 'ended')
            and coalesce(subscriptions.cancellation_reason, '') = 'payment_failed'
        )
    ) as is_involuntary

from explained

left join subscriptions
    on explained.account = subscriptions.account and explained.subscription_id = subscriptions.subscription_id
