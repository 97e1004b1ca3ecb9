{{ config(materialized='kept', kept_by='customer') }}

with

changes as (

    select * from {{ touched('fct_mrr_changes', 'customer') }}

),

item_days as (

    select
        *,
        sum(delta_minor) over (partition by {{ ledger_item() }} order by changed_date) as exact_minor

    from changes

    qualify row_number() over (partition by {{ ledger_item() }}, changed_date order by changed_at desc) = 1

),

stretches as (

    select
        *,
        lead(changed_date) over (partition by {{ ledger_item() }} order by changed_date) as next_date

    from item_days

),

customer_days as (

    select distinct
        profile,
        account,
        customer_id,
        currency,
        changed_date
    from changes

),

-- every item that the customer had, whichever of them changed: one change moves the rounding of all
held as (

    select
        stretches.*,
        customer_days.changed_date as held_date,
        floor(stretches.exact_minor) as whole_minor

    from customer_days

    inner join stretches
        on
            customer_days.profile = stretches.profile
            and customer_days.account = stretches.account
            and customer_days.customer_id = stretches.customer_id
            and customer_days.currency = stretches.currency
            and customer_days.changed_date >= stretches.changed_date
            and customer_days.changed_date < coalesce(stretches.next_date, date '9999-12-31')

    where stretches.exact_minor <> 0 or stretches.changed_date = customer_days.changed_date

),

summed as (

    select
        *,
        sum(exact_minor) over customer_day as customer_minor,
        sum(whole_minor) over customer_day as customer_whole_minor,
        row_number() over (
            partition by profile, account, customer_id, currency, held_date
            order by exact_minor - whole_minor desc, subscription_item_id asc, subscription_id asc
        ) as remainder_rank

    from held

    window customer_day as (partition by profile, account, customer_id, currency, held_date)

)

-- the customer's rounded balance, split by largest remainder
select
    profile,
    account,
    customer_id,
    currency,
    held_date as changed_date,
    subscription_id,
    subscription_item_id,
    price_id,
    product_id,
    cast(exact_minor as decimal(38, 9)) as exact_minor,
    cast(
        whole_minor + case
            when remainder_rank <= {{ round_half_even('customer_minor') }} - customer_whole_minor then 1
            else 0
        end
        as bigint
    ) as balance_minor

from summed
