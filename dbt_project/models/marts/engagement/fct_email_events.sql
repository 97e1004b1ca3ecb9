with

events as (

    select * from {{ ref('stg_email__events') }}

),

recipients as (

    select * from {{ ref('int_email_events_matched_to_recipients') }}

),

clicks as (

    select * from {{ ref('int_clicks_compared_to_deliveries') }}

),

persons as (

    select * from {{ ref('int_facts_gathered_to_person') }}

),

addresses as (

    select * from {{ ref('int_addresses_linked_to_persons') }}

),

described as (

    select
        -- ids
        events.event_id,
        recipients.recipient_id,
        coalesce(persons.person_id, addresses.person_id, recipients.person_id, events.person_id) as person_id,
        coalesce(recipients.campaign, events.campaign) as campaign,
        coalesce(recipients.occurrence, events.occurrence) as occurrence,
        events.message_id,

        -- strings
        events.event,
        case
            when events.event = 'open' then 'opened'
            when clicks.is_machine_click then 'scanned'
            when events.event = 'click' then 'clicked'
            when events.event = 'bounce' then 'bounced'
            when events.event = 'spamreport' then 'complained'
            when events.event in ('unsubscribe', 'group_unsubscribe') then 'unsubscribed'
            when events.event = 'group_resubscribe' then 'resubscribed'
            else events.event
        end as outcome,
        events.url,
        events.reason,
        events.bounce_type,

        -- booleans
        events.is_machine_open,
        coalesce(clicks.is_machine_click, false) as is_machine_click,

        -- timestamps
        events.event_at,
        {{ reporting_date('events.event_at') }} as event_date,
        events.received_at

    from events

    left join recipients on events.event_id = recipients.event_id

    left join clicks on events.event_id = clicks.event_id

    left join persons on coalesce(recipients.person_id, events.person_id) = persons.person_id

    left join addresses on events.address_key = addresses.address_key

)

select * from described
