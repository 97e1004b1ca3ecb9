{{ config(materialized='kept', kept_by='object', kept_key='subscription_id', kept_objects=['subscription']) }}

with

source as (

    select * from {{ touched_versions(source('raw_stripe', 'object_versions')) }}

    where object = 'subscription' and {{ is_of_mode() }}

),

of_subscriptions as (

    {% call parsed_once('payload', 'source') %}
    select
        account,
        sequence as version_number,
        id as subscription_id,
        cast(null as varchar) as subscription_item_id,
        coalesce(
            {{ json_part('payload', 'discounts') }}, {{ json_array_of(json_part('payload', 'discount')) }}
        ) as discounts,
        {{ json_part('payload', 'discount') }} as first_discount

    from source
    {% endcall %}

),

items as (

    select
        account,
        sequence as version_number,
        id as subscription_id,
        {{ json_elements('payload', 'items.data') }} as item

    from source

    where {{ json_has_any('payload', 'items.data[*].discounts[*]') }}

),

of_items as (

    select
        account,
        version_number,
        subscription_id,
        {{ json_text('item', 'id') }} as subscription_item_id,
        {{ json_part('item', 'discounts') }} as discounts,
        cast(null as json) as first_discount

    from items

),

lists as (

    select * from of_subscriptions

    union all

    select * from of_items

),

unnested as (

    select
        account,
        version_number,
        subscription_id,
        subscription_item_id,
        first_discount,
        nullif({{ json_elements('discounts') }}, 'null') as named_discount,
        {{ json_positions('discounts') }} as list_position

    from lists

),

-- before 2025 the first discount stood in full beside the ids of all
in_full as (

    select
        *,
        case
            when {{ json_id_of_element('named_discount') }} = {{ json_text('first_discount', 'id') }}
                then first_discount
            else named_discount
        end as discount

    from unnested

),

with_coupon as (

    select
        *,
        coalesce(
            {{ json_part('discount', 'source.coupon') }},
            {{ json_part('discount', 'coupon') }}
        ) as coupon

    from in_full

),

renamed as (

    select
        -- ids
        account,
        version_number,
        subscription_id,
        subscription_item_id,
        {{ json_id_of_element('discount') }} as discount_id,
        {{ json_id('discount', 'promotion_code') }} as promotion_code_id,
        {{ json_id('discount', 'customer') }} as customer_id,
        {{ json_id_of_element('coupon') }} as coupon_id,

        -- of the coupon, where it stands in full
        {{ coupon_columns('coupon') }},

        -- numerics
        list_position,

        -- timestamps
        {{ json_timestamp('discount', 'start') }} as discount_started_at,
        {{ json_timestamp('discount', 'end') }} as discount_ended_at

    from with_coupon

    where discount is not null

)

select * from renamed
