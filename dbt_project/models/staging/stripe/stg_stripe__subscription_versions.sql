{{ config(materialized='kept', kept_by='object', kept_key='subscription_id', kept_objects=['subscription']) }}

with

source as (

    select * from {{ touched_versions(source('raw_stripe', 'object_versions')) }}

    where object = 'subscription' and {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        sequence as version_number,
        id as subscription_id,
        {{ json_id('payload', 'customer') }} as customer_id,
        payload_hash,
        event_id,

        -- numerics
        moment_order,

        -- strings
        case
            when is_deleted then 'canceled'
            else {{ json_text('payload', 'status') }}
        end as subscription_status,
        -- the subscription itself says it since 2022
        upper(coalesce(
            {{ json_text('payload', 'currency') }},
            {{ json_text('payload', 'items.data[0].price.currency') }},
            {{ json_text('payload', 'items.data[0].plan.currency') }},
            {{ json_text('payload', 'plan.currency') }}
        )) as currency,
        {{ json_text('payload', 'pause_collection.behavior') }} as pause_behavior,

        -- timestamps
        version_at,
        coalesce(
            {{ json_timestamp('payload', 'start_date') }},
            {{ json_timestamp('payload', 'created') }}
        ) as started_at,
        {{ json_timestamp('payload', 'trial_end') }} as trial_ended_at,
        {{ json_timestamp('payload', 'cancel_at') }} as cancels_at,
        coalesce(
            {{ json_timestamp('payload', 'ended_at') }},
            case when is_deleted then version_at end
        ) as ended_at,
        {{ json_timestamp('payload', 'pause_collection.resumes_at') }} as pause_ended_at,
        {{ json_timestamp('payload', 'canceled_at') }} as cancel_requested_at,

        -- booleans
        coalesce({{ json_boolean('payload', 'cancel_at_period_end') }}, false)
        or {{ json_text('payload', 'cancel_at') }} is not null as is_cancel_requested

    from source
    {% endcall %}

)

select * from renamed
