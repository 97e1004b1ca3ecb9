with

of_lines as (

    select
        account,
        rule_set,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        quantity,
        'invoice' as source,
        line_id as object_id,
        cast(null as varchar) as event_id,
        cast(null as varchar) as subscription_status,
        valid_from,
        valid_to,
        mrr_minor

    from {{ ref('int_lines_dated_to_spans') }}

),

of_versions as (

    select
        account,
        rule_set,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        quantity,
        'version' as source,
        subscription_id as object_id,
        event_id,
        subscription_status,
        valid_from,
        valid_to,
        mrr_minor

    from {{ ref('int_items_dated_to_spans') }}

),

united as (

    select * from of_lines

    union all

    select * from of_versions

)

select * from united

where valid_to is null or valid_to > valid_from
