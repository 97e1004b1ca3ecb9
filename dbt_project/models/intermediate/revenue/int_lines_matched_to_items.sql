with

lines as (

    select * from {{ ref('int_lines_reduced_to_net') }}

),

prices as (

    select * from {{ ref('stg_stripe__prices') }}

),

-- a draft may still change and a void invoice never was; but one that the end of a past-due subscription
-- voided stood open until then
invoices as (

    select invoices.* from {{ ref('stg_stripe__invoices') }} as invoices

    left join {{ ref('stg_stripe__subscriptions') }} as subscriptions
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

),

-- some prorations name their subscription and price only
known_items as (

    select
        account,
        subscription_id,
        price_id,
        subscription_item_id
    from lines
    where subscription_item_id is not null

    union

    select
        account,
        subscription_id,
        price_id,
        subscription_item_id
    from {{ ref('int_items_priced_to_amounts') }}

),

items_by_price as (

    select
        account,
        subscription_id,
        price_id,
        min(subscription_item_id) as subscription_item_id
    from known_items
    group by all

),

single_items as (

    select
        account,
        subscription_id,
        min(subscription_item_id) as subscription_item_id
    from known_items
    group by all
    having count(distinct subscription_item_id) = 1

),

matched as (

    select
        lines.account,
        lines.invoice_id,
        lines.line_id,
        coalesce(invoices.customer_id, lines.customer_id) as customer_id,
        lines.subscription_id,
        coalesce(
            lines.subscription_item_id,
            single_items.subscription_item_id,
            items_by_price.subscription_item_id,
            lines.subscription_id || ':' || lines.price_id
        ) as subscription_item_id,
        lines.price_id,
        coalesce(lines.product_id, prices.product_id) as product_id,
        lines.currency,
        {{ period_units(
            'coalesce(lines.period_interval, prices.period_interval)',
            'coalesce(lines.interval_count, prices.interval_count, 1)'
        ) }} as period_units,
        {{ minus_intervals(
            'lines.period_ended_at',
            'coalesce(lines.period_interval, prices.period_interval)',
            'coalesce(lines.interval_count, prices.interval_count, 1)'
        ) }} as whole_period_started_at,
        lines.quantity,
        lines.discount_rule,
        lines.list_minor,
        lines.gross_minor,
        lines.inclusive_tax_minor,
        lines.is_proration,
        coalesce(invoices.created_at, lines.period_started_at) as created_at,
        lines.period_started_at,
        lines.period_ended_at,
        -- charged by itself, a subscription is incomplete until its first invoice is paid: 23 hours at most
        case
            when
                invoices.billing_reason = 'subscription_create'
                and coalesce(invoices.collection_method, 'charge_automatically') = 'charge_automatically'
                and invoices.paid_at > lines.period_started_at
                and invoices.paid_at <= lines.period_started_at + interval 1 day
                then invoices.paid_at
            else lines.period_started_at
        end as counted_from

    from lines

    left join invoices on lines.account = invoices.account and lines.invoice_id = invoices.invoice_id

    left join prices on lines.account = prices.account and lines.price_id = prices.price_id

    left join single_items
        on lines.account = single_items.account and lines.subscription_id = single_items.subscription_id

    left join items_by_price
        on
            lines.account = items_by_price.account
            and lines.subscription_id = items_by_price.subscription_id
            and lines.price_id = items_by_price.price_id

    where
        (lines.invoice_id is null or invoices.invoice_id is not null)
        and coalesce(lines.usage_type, prices.usage_type, 'licensed') <> 'metered'
        and lines.period_ended_at > lines.period_started_at

)

select * from matched

where period_units is not null
