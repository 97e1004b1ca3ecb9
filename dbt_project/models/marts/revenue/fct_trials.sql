with

subscriptions as (

    select * from {{ ref('stg_stripe__subscriptions') }}

),

invoices as (

    select * from {{ ref('stg_stripe__invoices') }}

),

-- one that never came about (incomplete, incomplete_expired) had no trial
trials as (

    select
        account,
        subscription_id,
        customer_id,
        coalesce(trial_started_at, started_at) as started_at,
        trial_ended_at,
        least(trial_ended_at, coalesce(ended_at, trial_ended_at)) as ended_at,
        coalesce(ended_at <= trial_ended_at, false) as is_canceled

    from subscriptions

    where
        trial_ended_at > coalesce(trial_started_at, started_at)
        and subscription_status not in ('incomplete', 'incomplete_expired')

),

-- what asks for nothing, as at the begin of a trial, is no invoice to pay
asked as (

    select
        trials.account,
        trials.subscription_id,
        invoices.invoice_id,
        case
            when invoices.invoice_status = 'paid' and invoices.paid_at < {{ as_of() }} then invoices.paid_at
        end as paid_at

    from trials

    inner join invoices
        on trials.account = invoices.account and trials.subscription_id = invoices.subscription_id

    where
        invoices.created_at >= trials.trial_ended_at
        and invoices.total_minor > 0
        and invoices.invoice_status not in ('draft', 'void')

    qualify
        row_number() over (
            partition by trials.account, trials.subscription_id
            order by invoices.created_at asc, invoices.invoice_id asc
        ) = 1

)

select
    trials.account,
    trials.subscription_id,
    trials.customer_id,
    trials.started_at,
    trials.ended_at,
    {{ reporting_date('trials.ended_at') }} as ended_date,
    trials.ended_at < {{ as_of() }} as is_over,
    trials.is_canceled,
    case when not trials.is_canceled then asked.invoice_id end as invoice_id,
    case when not trials.is_canceled then asked.paid_at end as converted_at,
    not trials.is_canceled and asked.paid_at is not null as is_converted

from trials

left join asked on trials.account = asked.account and trials.subscription_id = asked.subscription_id
