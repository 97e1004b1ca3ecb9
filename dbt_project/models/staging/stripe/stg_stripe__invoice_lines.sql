{{ config(materialized='kept', kept_by='object', kept_key='invoice_id', kept_objects=['invoice']) }}

with

source as (

    select * from {{ touched_rows(source('raw_stripe', 'invoice_lines'), ['invoice'], 'parent_id') }}

    where not is_deleted and {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as line_id,
        parent_id as invoice_id,
        coalesce(
            {{ json_id('payload', 'parent.subscription_item_details.subscription') }},
            {{ json_id('payload', 'parent.invoice_item_details.subscription') }},
            {{ json_id('payload', 'subscription') }}
        ) as subscription_id,
        coalesce(
            {{ json_text('payload', 'parent.subscription_item_details.subscription_item') }},
            {{ json_text('payload', 'subscription_item') }}
        ) as subscription_item_id,
        coalesce(
            {{ json_id('payload', 'pricing.price_details.price') }},
            {{ json_id('payload', 'price') }},
            {{ json_id('payload', 'plan') }}
        ) as price_id,
        coalesce(
            {{ json_id('payload', 'pricing.price_details.product') }},
            {{ json_id('payload', 'price.product') }},
            {{ json_id('payload', 'plan.product') }}
        ) as product_id,

        -- strings
        upper({{ json_text('payload', 'currency') }}) as currency,
        coalesce(
            {{ json_text('payload', 'price.recurring.interval') }},
            {{ json_text('payload', 'plan.interval') }}
        ) as period_interval,
        coalesce(
            {{ json_text('payload', 'price.recurring.usage_type') }},
            {{ json_text('payload', 'plan.usage_type') }}
        ) as usage_type,
        {{ json_part('payload', 'discount_amounts') }} as discount_amounts,
        coalesce({{ json_part('payload', 'taxes') }}, {{ json_part('payload', 'tax_amounts') }}) as taxes,

        -- numerics
        coalesce(
            {{ json_integer('payload', 'price.recurring.interval_count') }},
            {{ json_integer('payload', 'plan.interval_count') }}
        ) as interval_count,
        coalesce(
            {{ json_integer('payload', 'subtotal') }},
            {{ json_integer('payload', 'amount') }}
        ) as amount_minor,
        coalesce(
            {{ json_decimal('payload', 'quantity_decimal') }},
            {{ json_decimal('payload', 'quantity') }},
            1
        ) as quantity,
        coalesce(
            {{ json_decimal('payload', 'pricing.unit_amount_decimal') }},
            {{ json_decimal('payload', 'price.unit_amount_decimal') }},
            {{ json_decimal('payload', 'plan.amount_decimal') }}
        ) as unit_amount_minor,

        -- booleans
        coalesce(
            {{ json_text('payload', 'parent.subscription_item_details.proration') }},
            {{ json_text('payload', 'parent.invoice_item_details.proration') }},
            {{ json_text('payload', 'proration') }}
        ) = 'true' as is_proration,
        coalesce({{ json_text('payload', 'parent.type') }}, {{ json_text('payload', 'type') }})
        in ('subscription_item_details', 'subscription') as is_of_subscription,

        -- timestamps
        {{ json_timestamp('payload', 'period.start') }} as period_started_at,
        {{ json_timestamp('payload', 'period.end') }} as period_ended_at

    from source
    {% endcall %}

)

select * from renamed
