with

subscriptions as (

    select * from {{ ref('stg_stripe__subscriptions') }}

),

customers as (

    select * from {{ ref('int_customers_linked_to_persons') }}

),

changes as (

    select * from {{ ref('fct_mrr_changes') }}

    where profile = {{ default_profile() }}

),

movements as (

    select * from {{ ref('fct_mrr_movements_daily') }}

    where profile = {{ default_profile() }}

),

prices as (

    select * from {{ ref('dim_prices') }}

),

rates as (

    select * from {{ ref('exchange_rates') }}

),

currencies as (

    select * from {{ ref('currencies') }}

),

-- what it is worth now decides between two currencies, so the newest rate does, whatever day the amount is of
newest_rates as (

    select
        rates.currency,
        rates.units_per_eur,
        coalesce(currencies.exponent, 2) as exponent

    from rates

    left join currencies on rates.currency = currencies.currency

    qualify row_number() over (partition by rates.currency order by rates.rate_date desc) = 1

    union all

    select
        'EUR' as currency,
        cast(1 as decimal(18, 9)) as units_per_eur,
        2 as exponent

),

of_persons as (

    select
        customers.person_id,
        subscriptions.*,
        case subscriptions.subscription_status
            when 'active' then 1 when 'past_due' then 2 when 'trialing' then 3
            when 'paused' then 4 when 'unpaid' then 5 when 'canceled' then 6
        end as status_rank,
        subscriptions.subscription_status in ('active', 'past_due', 'trialing', 'paused', 'unpaid') as is_open

    from subscriptions

    inner join customers
        on subscriptions.account = customers.account and subscriptions.customer_id = customers.customer_id

),

-- one that never came about (incomplete_expired) is none
statuses as (

    select
        person_id,
        min(status_rank) as status_rank,
        count(*) filter (where is_open) as open_subscriptions_count,
        min(started_at) filter (where status_rank is not null) as subscribed_at,
        min(trial_ended_at) filter (where subscription_status = 'trialing') as trial_ends_at,
        coalesce(bool_or(is_canceling_at_period_end or cancels_at is not null) filter (where is_open), false)
            as is_canceling,
        min(cancels_at) filter (where is_open) as cancels_at,
        max(ended_at) as last_ended_at

    from of_persons

    group by all

),

last_endings as (

    select
        person_id,
        cancellation_reason

    from of_persons

    where subscription_status = 'canceled'

    qualify
        row_number() over (partition by person_id order by ended_at desc nulls last, subscription_id asc) = 1

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
        coalesce(prices.product_name, prices.price_nickname, item_balances.price_id) as plan,
        prices.interval,
        prices.interval_count

    from item_balances

    inner join customers
        on item_balances.account = customers.account and item_balances.customer_id = customers.customer_id

    left join prices
        on item_balances.account = prices.account and item_balances.price_id = prices.price_id

    left join newest_rates on item_balances.currency = newest_rates.currency

    where item_balances.mrr_minor > 0

    qualify
        row_number() over (
            partition by customers.person_id
            order by
                {{ worth('item_balances.mrr_minor', 'newest_rates') }} desc nulls last,
                item_balances.mrr_minor desc,
                item_balances.currency asc,
                item_balances.account asc,
                item_balances.subscription_item_id asc
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

-- amounts of two currencies are not added: the one worth more speaks, the larger figure where no rate is
main_balances as (

    select person_balances.*

    from person_balances

    left join newest_rates on person_balances.currency = newest_rates.currency

    qualify
        row_number() over (
            partition by person_balances.person_id
            order by
                {{ worth('person_balances.mrr_minor', 'newest_rates') }} desc nulls last,
                person_balances.mrr_minor desc,
                person_balances.currency asc
        ) = 1

),

summed as (

    select
        statuses.person_id,
        case statuses.status_rank
            when 1 then 'active' when 2 then 'past_due' when 3 then 'trialing'
            when 4 then 'paused' when 5 then 'unpaid' when 6 then 'canceled'
        end as subscription_status,
        plans.plan,
        plans.interval,
        plans.interval_count,
        main_balances.mrr_minor,
        main_balances.currency as mrr_currency,
        statuses.open_subscriptions_count,
        statuses.is_canceling,
        statuses.subscribed_at,
        statuses.trial_ends_at,
        statuses.cancels_at,
        case when statuses.open_subscriptions_count = 0 then statuses.last_ended_at end
            as subscription_ended_at,
        case when statuses.open_subscriptions_count = 0 then last_endings.cancellation_reason end
            as cancellation_reason

    from statuses

    left join plans on statuses.person_id = plans.person_id

    left join main_balances on statuses.person_id = main_balances.person_id

    left join last_endings on statuses.person_id = last_endings.person_id

)

select * from summed
