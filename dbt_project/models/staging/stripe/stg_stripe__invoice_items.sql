{{ config(materialized='kept', kept_by='object', kept_key='invoice_item_id', kept_objects=['invoiceitem']) }}

with

source as (

    select * from {{ touched_rows(source('raw_stripe', 'invoiceitems'), ['invoiceitem']) }}

    where not is_deleted and {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as invoice_item_id,
        {{ json_id('payload', 'invoice') }} as invoice_id,
        {{ json_id('payload', 'customer') }} as customer_id,
        coalesce(
            {{ json_id('payload', 'parent.subscription_details.subscription') }},
            {{ json_id('payload', 'subscription') }}
        ) as subscription_id,
        coalesce(
            {{ json_text('payload', 'parent.subscription_details.subscription_item') }},
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

        -- numerics
        {{ json_integer('payload', 'amount') }} as amount_minor,
        coalesce(
            {{ json_decimal('payload', 'quantity_decimal') }},
            {{ json_decimal('payload', 'quantity') }},
            1
        ) as quantity,
        coalesce(
            {{ json_decimal('payload', 'pricing.unit_amount_decimal') }},
            {{ json_decimal('payload', 'unit_amount_decimal') }}
        ) as unit_amount_minor,

        -- booleans
        {{ json_boolean('payload', 'proration') }} as is_proration,

        -- timestamps
        {{ json_timestamp('payload', 'period.start') }} as period_started_at,
        {{ json_timestamp('payload', 'period.end') }} as period_ended_at

    from source
    {% endcall %}

)

select * from renamed
