with

charges as (

    select
        *,
        -- what a pending payment will bring is on the balance already
        coalesce(nullif(captured_minor, 0), amount_minor) as moved_minor

    from {{ ref('stg_stripe__charges') }}

),

refunds as (

    select * from {{ ref('stg_stripe__refunds') }}

),

disputes as (

    select * from {{ ref('stg_stripe__disputes') }}

),

payouts as (

    select * from {{ ref('stg_stripe__payouts') }}

),

-- an object that names no entry here may have one: the entry then names the object
united as (

    select
        account,
        charge_id as object_id,
        'charge' as reporting_category,
        case
            when charge_status = 'succeeded' and is_captured then balance_transaction_id
        end as named_entry_id,
        currency,
        moved_minor as expected_minor,
        charged_at as made_at

    from charges

    union all

    select
        account,
        refund_id as object_id,
        'refund' as reporting_category,
        balance_transaction_id as named_entry_id,
        currency,
        -amount_minor as expected_minor,
        refunded_at as made_at

    from refunds

    union all

    select
        account,
        refund_id as object_id,
        'refund_failure' as reporting_category,
        failure_balance_transaction_id as named_entry_id,
        currency,
        amount_minor as expected_minor,
        refunded_at as made_at

    from refunds

    union all

    select
        account,
        dispute_id as object_id,
        'dispute' as reporting_category,
        cast(null as varchar) as named_entry_id,
        currency,
        -amount_minor as expected_minor,
        disputed_at as made_at

    from disputes

    union all

    select
        account,
        dispute_id as object_id,
        'dispute_reversal' as reporting_category,
        cast(null as varchar) as named_entry_id,
        currency,
        amount_minor as expected_minor,
        disputed_at as made_at

    from disputes

    union all

    select
        account,
        payout_id as object_id,
        'payout' as reporting_category,
        balance_transaction_id as named_entry_id,
        currency,
        -amount_minor as expected_minor,
        created_at as made_at

    from payouts

    union all

    select
        account,
        payout_id as object_id,
        'payout_reversal' as reporting_category,
        cast(null as varchar) as named_entry_id,
        currency,
        amount_minor as expected_minor,
        created_at as made_at

    from payouts

)

select * from united
