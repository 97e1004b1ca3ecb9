with

entries as (

    select
        *,
        -- types of versions without categories, and those that older exports have instead
        case
            when reporting_category = 'payment' then 'charge'
            when reporting_category = 'payment_refund' then 'refund'
            when reporting_category in ('payout_failure', 'payout_cancel') then 'payout_reversal'
            else reporting_category
        end as category

    from {{ ref('stg_stripe__balance_transactions') }}

),

objects as (

    select * from {{ ref('int_objects_awaiting_entries') }}

),

members as (

    select
        account,
        balance_transaction_id,
        -- a payout that failed is paid again: the later one counts
        max(payout_id) as payout_id

    from {{ ref('stg_stripe__payout_members') }}

    group by account, balance_transaction_id

),

matched as (

    select
        entries.account,
        entries.balance_transaction_id,
        entries.category as reporting_category,
        entries.source_id,
        members.payout_id,
        entries.settlement_currency,
        entries.settled_minor,
        entries.fee_minor,
        entries.net_minor,
        entries.created_at as booked_at,
        coalesce(entries.fee_details_minor, entries.fee_minor) as explained_fee_minor,
        entries.category in (
            'charge', 'refund', 'refund_failure', 'dispute', 'dispute_reversal', 'payout', 'payout_reversal'
        ) as has_object,
        objects.object_id is not null as is_found,
        case
            when objects.currency = entries.settlement_currency or entries.exchange_rate is null
                then cast(objects.expected_minor as decimal(38, 6))
            else cast(objects.expected_minor * entries.exchange_rate as decimal(38, 6))
        end as expected_minor,
        -- Stripe tells the rate to six digits, and rounds what it exchanged once
        case
            when objects.currency = entries.settlement_currency then cast(0 as decimal(38, 6))
            else cast(1 + abs(entries.settled_minor) * 0.000001 as decimal(38, 6))
        end as tolerance_minor

    from entries

    left join objects
        on
            entries.account = objects.account
            and entries.source_id = objects.object_id
            and entries.category = objects.reporting_category

    left join members
        on
            entries.account = members.account
            and entries.balance_transaction_id = members.balance_transaction_id

),

explained as (

    select
        *,
        case
            when not has_object then settled_minor - explained_fee_minor
            when not is_found then cast(0 as bigint)
            when abs(settled_minor - expected_minor) <= tolerance_minor
                then settled_minor - explained_fee_minor
            else cast(round(expected_minor) as bigint) - explained_fee_minor
        end as explained_minor

    from matched

),

-- an object names an entry that is not here: it was booked, and is missing
missing as (

    select
        objects.account,
        objects.named_entry_id as balance_transaction_id,
        objects.reporting_category,
        objects.object_id as source_id,
        cast(null as varchar) as payout_id,
        objects.currency as settlement_currency,
        cast(null as bigint) as settled_minor,
        cast(null as bigint) as fee_minor,
        cast(null as bigint) as net_minor,
        objects.made_at as booked_at,
        objects.expected_minor as explained_minor,
        -objects.expected_minor as unexplained_minor,
        'named by its object and not loaded' as reason

    from objects

    left join entries
        on
            objects.account = entries.account
            and objects.named_entry_id = entries.balance_transaction_id

    where
        objects.named_entry_id is not null
        and entries.balance_transaction_id is null
        -- what was made after the newest entry was booked after our last look
        and objects.made_at <= (select max(newest.created_at) as newest_at from entries as newest)

),

united as (

    select
        account,
        balance_transaction_id,
        reporting_category,
        source_id,
        payout_id,
        settlement_currency,
        settled_minor,
        fee_minor,
        net_minor,
        booked_at,
        explained_minor,
        net_minor - explained_minor as unexplained_minor,
        case
            when net_minor = explained_minor then cast(null as varchar)
            when has_object and not is_found then 'its object is not loaded'
            else 'its object tells another amount'
        end as reason

    from explained

    union all

    select
        account,
        balance_transaction_id,
        reporting_category,
        source_id,
        payout_id,
        settlement_currency,
        settled_minor,
        fee_minor,
        net_minor,
        booked_at,
        explained_minor,
        unexplained_minor,
        reason

    from missing

)

select
    account,
    balance_transaction_id,
    reporting_category,
    source_id,
    payout_id,
    settlement_currency,
    settled_minor,
    fee_minor,
    net_minor,
    explained_minor,
    unexplained_minor,
    reason,
    booked_at,
    {{ reporting_date('booked_at') }} as booked_date

from united
