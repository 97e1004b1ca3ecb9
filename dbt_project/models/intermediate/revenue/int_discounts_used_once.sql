with

discounts as (

    select * from {{ ref('int_discounts_taken_off_lines') }}

    where coupon_duration = 'once'

),

lines as (

    select * from {{ ref('int_lines_gathered_to_subscriptions') }}

    where invoice_id is not null and not is_proration

),

-- Stripe drops such a discount when an invoice took it; what it lowered goes on for the invoice's period
used as (

    select
        discounts.account,
        discounts.subscription_id,
        discounts.discount_id,
        min(lines.period_started_at) as used_from,
        max(lines.period_ended_at) as used_until

    from discounts

    inner join lines
        on
            discounts.account = lines.account
            and discounts.invoice_id = lines.invoice_id
            and discounts.line_id = lines.line_id

    group by all

)

select * from used
