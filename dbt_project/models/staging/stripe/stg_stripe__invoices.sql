{{ config(materialized='kept', kept_by='object', kept_key='invoice_id', kept_objects=['invoice']) }}

with

source as (

    select * from {{ touched_rows(source('raw_stripe', 'invoices'), ['invoice']) }}

    where not is_deleted and {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as invoice_id,
        {{ json_id('payload', 'customer') }} as customer_id,
        coalesce(
            {{ json_id('payload', 'parent.subscription_details.subscription') }},
            {{ json_id('payload', 'subscription') }}
        ) as subscription_id,
        {{ json_id('payload', 'charge') }} as charge_id,
        {{ json_id('payload', 'payment_intent') }} as payment_intent_id,

        -- strings
        {{ json_text('payload', 'number') }} as invoice_number,
        coalesce(
            {{ json_text('payload', 'status') }},
            case when {{ json_boolean('payload', 'paid') }} then 'paid' end
        ) as invoice_status,
        {{ json_text('payload', 'billing_reason') }} as billing_reason,
        {{ json_text('payload', 'collection_method') }} as collection_method,
        upper({{ json_text('payload', 'currency') }}) as currency,
        coalesce({{ json_part('payload', 'total_taxes') }}, {{ json_part('payload', 'total_tax_amounts') }})
            as total_taxes,

        -- numerics
        {{ json_integer('payload', 'subtotal') }} as subtotal_minor,
        {{ json_integer('payload', 'total') }} as total_minor,
        -- before 2022 an invoice told its tax only
        coalesce(
            {{ json_integer('payload', 'total_excluding_tax') }},
            {{ json_integer('payload', 'total') }} - coalesce({{ json_integer('payload', 'tax') }}, 0)
        ) as total_excluding_tax_minor,
        coalesce({{ json_sum('payload', 'total_discount_amounts', 'amount') }}, 0) as discount_minor,
        {{ json_integer('payload', 'amount_due') }} as due_minor,
        {{ json_integer('payload', 'amount_paid') }} as paid_minor,
        {{ json_integer('payload', 'amount_remaining') }} as remaining_minor,
        coalesce({{ json_integer('payload', 'attempt_count') }}, 0) as attempt_count,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at,
        {{ json_timestamp('payload', 'due_date') }} as due_at,
        {{ json_timestamp('payload', 'status_transitions.finalized_at') }} as finalized_at,
        {{ json_timestamp('payload', 'status_transitions.paid_at') }} as paid_at,
        {{ json_timestamp('payload', 'status_transitions.voided_at') }} as voided_at

    from source
    {% endcall %}

)

select * from renamed
