with

points as (

    select * from {{ ref('int_spans_opened_to_points') }}

),

subscriptions as (

    select
        account,
        subscription_id,
        cancellation_reason
    from {{ touched('stg_stripe__subscriptions', 'subscription') }}

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
        lag(excluded_reason) over item_in_order as previous_reason

    from points

    window item_in_order as (
        partition by rule_set, account, subscription_id, subscription_item_id, currency order by changed_at
    )

),

changed as (

    -- a switch to a plan of the same worth moves nothing but is one
    select * from compared

    where delta_minor <> 0 or (mrr_minor > 0 and price_id <> previous_price_id)

)

select
    changed.*,
    changed.mrr_minor = 0 and (
        changed.excluded_reason = 'unpaid' or (
            changed.excluded_reason in ('canceled', 'ended')
            and coalesce(subscriptions.cancellation_reason, '') = 'payment_failed'
        )
    ) as is_involuntary

from changed

left join subscriptions
    on changed.account = subscriptions.account and changed.subscription_id = subscriptions.subscription_id
