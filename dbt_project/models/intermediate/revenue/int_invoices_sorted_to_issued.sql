with

-- a draft may still change and a void invoice never was; but one that the end of a past-due subscription
-- voided stood open until then
issued as (

    select
        invoices.account,
        invoices.invoice_id,
        invoices.customer_id,
        invoices.created_at,
        -- charged by itself, a subscription is incomplete until its first invoice is paid: 23 hours at most
        case
            when
                invoices.billing_reason = 'subscription_create'
                and coalesce(invoices.collection_method, 'charge_automatically') = 'charge_automatically'
                then invoices.paid_at
        end as begun_at

    from {{ touched('stg_stripe__invoices', 'customer') }} as invoices

    left join {{ touched('stg_stripe__subscriptions', 'subscription') }} as subscriptions
        on
            invoices.account = subscriptions.account
            and invoices.subscription_id = subscriptions.subscription_id

    where
        invoices.invoice_status in ('open', 'paid', 'uncollectible')
        or (
            invoices.invoice_status = 'void'
            and invoices.billing_reason = 'subscription_cycle'
            and invoices.voided_at >= subscriptions.ended_at - interval 1 hour
            and invoices.voided_at <= subscriptions.ended_at + interval 1 hour
        )

)

select * from issued
