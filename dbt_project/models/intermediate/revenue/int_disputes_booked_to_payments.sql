with

disputes as (

    select * from {{ ref('stg_stripe__disputes') }}

),

entries as (

    select * from {{ ref('stg_stripe__balance_transactions') }}

    where settled_minor <> 0 or fee_minor <> 0

),

-- the balance is in the settlement currency; what the buyer saw is the disputed amount, lost or returned
booked as (

    select
        disputes.account,
        disputes.dispute_id,
        disputes.charge_id,
        entries.balance_transaction_id,
        disputes.currency,
        case
            when entries.settlement_currency = disputes.currency then entries.settled_minor
            when entries.settled_minor < 0 then -disputes.amount_minor
            when entries.settled_minor > 0 then disputes.amount_minor
            else cast(0 as bigint)
        end as amount_minor,
        entries.created_at as booked_at

    from disputes

    inner join entries on disputes.account = entries.account and disputes.dispute_id = entries.source_id

)

select * from booked
