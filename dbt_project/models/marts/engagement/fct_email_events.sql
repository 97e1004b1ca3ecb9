with

events as (

    select * from {{ ref('stg_email__events') }}

),

recipients as (

    select * from {{ ref('int_email_events_matched_to_recipients') }}

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
        case events.event
            when 'open' then 'opened'
            when 'click' then 'clicked'
            when 'bounce' then 'bounced'
            when 'spamreport' then 'complained'
            when 'unsubscribe' then 'unsubscribed'
            when 'group_unsubscribe' then 'unsubscribed'
            when 'group_resubscribe' then 'resubscribed'
            else events.event
        end as outcome,
        events.url,
        events.reason,
        events.bounce_type,

        -- booleans
        events.is_machine_open,

        -- timestamps
        events.event_at,
        {{ reporting_date('events.event_at') }} as event_date,
        events.received_at

    from events

    left join recipients on events.event_id = recipients.event_id

    left join persons on coalesce(recipients.person_id, events.person_id) = persons.person_id

    left join addresses on events.address_key = addresses.address_key

)

select * from described
