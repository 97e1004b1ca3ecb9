with

source as (

    select * from {{ source('raw_stripe', 'subscription_schedules') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as subscription_schedule_id,
        {{ json_id('payload', 'customer') }} as customer_id,
        coalesce(
            {{ json_id('payload', 'subscription') }},
            {{ json_id('payload', 'released_subscription') }}
        ) as subscription_id,

        -- strings
        {{ json_text('payload', 'status') }} as schedule_status,
        {{ json_text('payload', 'end_behavior') }} as end_behavior,
        {{ json_part('payload', 'phases') }} as phases,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at,
        {{ json_timestamp('payload', 'current_phase.start_date') }} as current_phase_started_at,
        {{ json_timestamp('payload', 'current_phase.end_date') }} as current_phase_ended_at,
        {{ json_timestamp('payload', 'completed_at') }} as completed_at,
        {{ json_timestamp('payload', 'canceled_at') }} as canceled_at,
        {{ json_timestamp('payload', 'released_at') }} as released_at

    from source
    {% endcall %}

)

select * from renamed
