with

lines as (

    select * from {{ ref('int_lines_given_periods') }}

),

invoices as (

    select * from {{ ref('int_invoices_sorted_to_issued') }}

),

items_by_price as (

    select
        account,
        subscription_id,
        price_id,
        min(subscription_item_id) as subscription_item_id
    from {{ ref('int_items_known_to_subscriptions') }}
    group by all

),

single_items as (

    select
        account,
        subscription_id,
        min(subscription_item_id) as subscription_item_id
    from {{ ref('int_items_known_to_subscriptions') }}
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
        {{ columns_of_amount('lines') }}
        coalesce(invoices.created_at, lines.period_started_at) as created_at,
        case
            when
                invoices.begun_at > lines.period_started_at
                and invoices.begun_at <= lines.period_started_at + interval 1 day
                then invoices.begun_at
            else lines.period_started_at
        end as counted_from

    from lines

    left join invoices on lines.account = invoices.account and lines.invoice_id = invoices.invoice_id

    left join single_items
        on lines.account = single_items.account and lines.subscription_id = single_items.subscription_id

    left join items_by_price
        on
            lines.account = items_by_price.account
            and lines.subscription_id = items_by_price.subscription_id
            and lines.price_id = items_by_price.price_id

    where lines.invoice_id is null or invoices.invoice_id is not null

)

select * from matched
