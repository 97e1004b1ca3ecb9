{{ config(materialized='kept', kept_by='object', kept_key='customer_id', kept_objects=['customer']) }}

with

source as (

    select * from {{ touched_versions(source('raw_stripe', 'object_versions')) }}

    where object = 'customer' and not is_deleted and {{ is_of_mode() }}

),

told as (

    select
        account,
        sequence as version_number,
        id as customer_id,
        {{ json_part('payload', 'discount') }} as discount,
        lead(version_at) over (partition by account, id order by version_at, sequence) as next_version_at

    from source

),

with_coupon as (

    select
        *,
        coalesce({{ json_part('discount', 'source.coupon') }}, {{ json_part('discount', 'coupon') }})
            as coupon

    from told

    where discount is not null

),

renamed as (

    select
        -- ids
        account,
        version_number,
        customer_id,
        {{ json_id_of_element('discount') }} as discount_id,
        {{ json_id_of_element('coupon') }} as coupon_id,

        -- of the coupon, where it stands in full
        {{ coupon_columns('coupon') }},

        -- timestamps
        {{ json_timestamp('discount', 'start') }} as discount_started_at,
        {{ json_timestamp('discount', 'end') }} as discount_ended_at,
        next_version_at

    from with_coupon

)

select * from renamed
