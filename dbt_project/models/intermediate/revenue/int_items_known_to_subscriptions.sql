with

-- some prorations name their subscription and price only
known_items as (

    select
        account,
        subscription_id,
        price_id,
        subscription_item_id
    from {{ ref('int_lines_reduced_to_net') }}
    where subscription_item_id is not null

    union

    select
        account,
        subscription_id,
        price_id,
        subscription_item_id
    from {{ ref('int_items_priced_to_amounts') }}

)

select * from known_items
