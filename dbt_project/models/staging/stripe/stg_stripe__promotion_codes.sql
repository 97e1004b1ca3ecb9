with

source as (

    select * from {{ source('raw_stripe', 'promotion_codes') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as promotion_code_id,
        coalesce(
            {{ json_id('payload', 'promotion.coupon') }},
            {{ json_id('payload', 'coupon') }}
        ) as coupon_id,
        {{ json_id('payload', 'customer') }} as customer_id,

        -- strings
        {{ json_text('payload', 'code') }} as code,

        -- numerics
        {{ json_integer('payload', 'max_redemptions') }} as max_redemptions,
        coalesce({{ json_integer('payload', 'times_redeemed') }}, 0) as times_redeemed,

        -- booleans
        {{ json_boolean('payload', 'active') }} and not is_deleted as is_active,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at,
        {{ json_timestamp('payload', 'expires_at') }} as expires_at

    from source
    {% endcall %}

)

select * from renamed
