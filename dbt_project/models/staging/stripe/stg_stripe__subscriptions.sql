{{ config(materialized='kept', kept_by='object', kept_key='subscription_id', kept_objects=['subscription']) }}

with

source as (

    select * from {{ touched_rows(source('raw_stripe', 'subscriptions'), ['subscription']) }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as subscription_id,
        {{ json_id('payload', 'customer') }} as customer_id,
        payload_hash,

        -- strings
        case
            when is_deleted then 'canceled'
            else {{ json_text('payload', 'status') }}
        end as subscription_status,
        {{ json_text('payload', 'cancellation_details.reason') }} as cancellation_reason,

        -- booleans
        {{ json_boolean('payload', 'cancel_at_period_end') }} as is_canceling_at_period_end,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at,
        {{ json_timestamp('payload', 'start_date') }} as started_at,
        {{ json_timestamp('payload', 'trial_start') }} as trial_started_at,
        {{ json_timestamp('payload', 'trial_end') }} as trial_ended_at,
        {{ json_timestamp('payload', 'cancel_at') }} as cancels_at,
        {{ json_timestamp('payload', 'canceled_at') }} as canceled_at,
        {{ json_timestamp('payload', 'ended_at') }} as ended_at

    from source
    {% endcall %}

)

select * from renamed
