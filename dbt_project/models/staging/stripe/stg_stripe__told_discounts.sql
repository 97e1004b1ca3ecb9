{{ config(
    materialized='kept', kept_by='object', kept_key='told_by_id', kept_objects=['discount', 'invoice']
) }}

with

source as (

    select * from {{ touched_versions(source('raw_stripe', 'object_versions')) }}

    where object in ('discount', 'invoice') and {{ is_of_mode() }}

),

-- an event brings the discount itself; a list of invoices, expanded, those that lowered each invoice
documents as (

    select
        account,
        id as told_by_id,
        case
            when object = 'discount' then {{ json_array_of('payload') }}
            else {{ json_part('payload', 'discounts') }}
        end as discounts

    from source

    union all

    select
        account,
        id as told_by_id,
        {{ json_array_of(json_part('payload', 'discount')) }} as discounts

    from source

    where object = 'invoice'

),

unnested as (

    select
        account,
        told_by_id,
        {{ json_elements('discounts') }} as discount

    from documents

),

renamed as (

    select
        account,
        told_by_id,
        {{ json_text('discount', 'id') }} as discount_id,
        {{ json_id('discount', 'promotion_code') }} as promotion_code_id,
        {{ json_id('discount', 'customer') }} as customer_id,
        coalesce(
            {{ json_id('discount', 'source.coupon') }},
            {{ json_id('discount', 'coupon') }}
        ) as coupon_id,
        coalesce(
            {{ json_text('discount', 'source.coupon.duration') }},
            {{ json_text('discount', 'coupon.duration') }}
        ) as coupon_duration,
        {{ json_timestamp('discount', 'start') }} as discount_started_at,
        {{ json_timestamp('discount', 'end') }} as discount_ended_at

    from unnested

)

-- one row per discount and coupon, however often this object told it
select distinct * from renamed

where discount_id is not null and coupon_id is not null
