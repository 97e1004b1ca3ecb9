with

payouts as (

    select * from {{ ref('stg_stripe__payouts') }}

),

members as (

    select
        listed.account,
        listed.payout_id,
        count(*) as members,
        count(*) filter (where entries.balance_transaction_id is null) as members_missing,
        cast(coalesce(sum(entries.net_minor), 0) as bigint) as members_minor

    from {{ ref('stg_stripe__payout_members') }} as listed

    left join {{ ref('stg_stripe__balance_transactions') }} as entries
        on listed.account = entries.account and listed.balance_transaction_id = entries.balance_transaction_id

    -- the payout's own entry is in its list and takes away what the others brought
    where entries.source_id is null or entries.source_id <> listed.payout_id

    group by listed.account, listed.payout_id

),

compared as (

    select
        payouts.account,
        payouts.payout_id,
        payouts.balance_transaction_id,
        payouts.payout_status,
        payouts.is_automatic,
        payouts.currency,
        payouts.amount_minor,
        members.members,
        members.members_missing,
        members.members_minor,
        payouts.amount_minor - coalesce(members.members_minor, payouts.amount_minor) as unexplained_minor,
        payouts.created_at,
        payouts.arrives_at

    from payouts

    left join members on payouts.account = members.account and payouts.payout_id = members.payout_id

)

select
    account,
    payout_id,
    balance_transaction_id,
    payout_status,
    is_automatic,
    currency,
    amount_minor,
    members,
    members_minor,
    unexplained_minor,
    case
        when unexplained_minor = 0 then cast(null as varchar)
        when members_missing > 0 then 'entries of it are not loaded'
        else 'its entries add up to another amount'
    end as reason,
    created_at,
    {{ reporting_date('created_at') }} as created_date,
    arrives_at

from compared
