with

versions as (

    select * from {{ ref('int_versions_put_in_order') }}

),

listed as (

    select * from {{ touched('stg_stripe__subscription_discounts', 'subscription') }}

),

with_own as (

    select distinct
        account,
        version_number
    from listed

),

united as (

    select
        {{ columns_of_discount('listed') }}
        listed.list_position,
        listed.discount_started_at,
        least(listed.discount_ended_at, used.used_until) as discount_ended_at
    from listed
    left join {{ ref('int_discounts_used_once') }} as used
        on
            listed.account = used.account
            and listed.subscription_id = used.subscription_id
            and listed.discount_id = used.discount_id

    union all

    select
        {{ columns_of_discount('carried', is_known=false) }}
        1000 as list_position,
        carried.used_from as discount_started_at,
        carried.used_until as discount_ended_at
    from {{ ref('int_discounts_carried_to_versions') }} as carried

    union all

    -- a customer's own discount is for subscriptions that have none
    select
        {{ columns_of_discount('of_customers', 'versions') }}
        1 as list_position,
        of_customers.discount_started_at,
        of_customers.discount_ended_at
    from versions
    inner join {{ ref('int_discounts_of_customers') }} as of_customers
        on versions.account = of_customers.account and versions.customer_id = of_customers.customer_id
    left join with_own
        on versions.account = with_own.account and versions.version_number = with_own.version_number
    where with_own.version_number is null

)

select * from united
