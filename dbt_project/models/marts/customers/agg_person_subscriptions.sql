with

subscriptions as (

    select * from {{ ref('stg_stripe__subscriptions') }}

),

customers as (

    select * from {{ ref('int_customers_linked_to_persons') }}

),

changes as (

    select * from {{ ref('fct_mrr_changes') }}

),

movements as (

    select * from {{ ref('fct_mrr_movements_daily') }}

),

prices as (

    select * from {{ ref('dim_prices') }}

),

statuses as (

    select
        customers.person_id,
        min(case subscriptions.subscription_status
            when 'active' then 1 when 'past_due' then 2 when 'trialing' then 3
            when 'paused' then 4 when 'unpaid' then 5 when 'canceled' then 6
        end) as status_rank

    from subscriptions

    inner join customers
        on subscriptions.account = customers.account and subscriptions.customer_id = customers.customer_id

    group by all

),

item_balances as (

    select * from changes

    qualify
        row_number() over (
            partition by account, subscription_id, subscription_item_id, currency order by changed_at desc
        ) = 1

),

plans as (

    select
        customers.person_id,
        coalesce(prices.product_name, prices.price_nickname, item_balances.price_id) as plan

    from item_balances

    inner join customers
        on item_balances.account = customers.account and item_balances.customer_id = customers.customer_id

    left join prices
        on item_balances.account = prices.account and item_balances.price_id = prices.price_id

    where item_balances.mrr_minor > 0

    qualify
        row_number() over (
            partition by customers.person_id
            order by item_balances.mrr_minor desc, item_balances.subscription_item_id asc
        ) = 1

),

balances as (

    select * from movements

    qualify row_number() over (partition by account, customer_id, currency order by changed_date desc) = 1

),

person_balances as (

    select
        customers.person_id,
        balances.currency,
        cast(sum(balances.closing_minor) as bigint) as mrr_minor

    from balances

    inner join customers
        on balances.account = customers.account and balances.customer_id = customers.customer_id

    where balances.closing_minor > 0

    group by all

),

-- without exchange rates amounts of two currencies can not be added: the larger figure speaks
main_balances as (

    select * from person_balances

    qualify row_number() over (partition by person_id order by mrr_minor desc, currency asc) = 1

),

summed as (

    select
        statuses.person_id,
        case statuses.status_rank
            when 1 then 'active' when 2 then 'past_due' when 3 then 'trialing'
            when 4 then 'paused' when 5 then 'unpaid' when 6 then 'canceled'
        end as subscription_status,
        plans.plan,
        main_balances.mrr_minor,
        main_balances.currency as mrr_currency

    from statuses

    left join plans on statuses.person_id = plans.person_id

    left join main_balances on statuses.person_id = main_balances.person_id

)

select * from summed
