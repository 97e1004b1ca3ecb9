with

source as (

    select * from {{ source('raw_stripe', 'plans') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as plan_id,
        {{ json_id('payload', 'product') }} as product_id,

        -- strings
        {{ json_text('payload', 'nickname') }} as plan_nickname,
        upper({{ json_text('payload', 'currency') }}) as currency,
        {{ json_text('payload', 'interval') }} as period_interval,
        coalesce({{ json_text('payload', 'billing_scheme') }}, 'per_unit') as billing_scheme,
        coalesce({{ json_text('payload', 'usage_type') }}, 'licensed') as usage_type,

        -- numerics
        {{ json_integer('payload', 'interval_count') }} as interval_count,
        coalesce({{ json_decimal('payload', 'amount_decimal') }}, {{ json_decimal('payload', 'amount') }}) as unit_amount_minor,

        -- booleans
        {{ json_boolean('payload', 'active') }} and not is_deleted as is_active,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at

    from source
    {% endcall %}

)

select * from renamed
