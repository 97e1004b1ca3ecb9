with

events as (

    select * from {{ ref('stg_email__events') }}

    where event in ('click', 'delivered')

),

recipients as (

    select * from {{ ref('int_email_events_matched_to_recipients') }}

),

-- a mail is its recipient's; one that no campaign sent is known by its message
mails as (

    select
        events.event_id,
        events.event,
        events.event_at,
        events.url,
        events.is_scanner_click,
        coalesce(
            recipients.recipient_id, events.message_id || '|' || events.address_key, events.event_id
        ) as mail

    from events

    left join recipients on events.event_id = recipients.event_id

),

deliveries as (

    select
        mail,
        min(event_at) as delivered_at

    from mails

    where event = 'delivered'

    group by all

),

-- nobody reads a mail within two seconds of its coming, or follows two of its links within ten
clicks as (

    select
        mails.event_id,
        mails.mail,
        mails.url,
        mails.is_scanner_click,
        coalesce(mails.event_at <= deliveries.delivered_at + interval '2' second, false) as is_at_once,
        coalesce(mails.event_at <= deliveries.delivered_at + interval '10' second, false) as is_soon

    from mails

    left join deliveries on mails.mail = deliveries.mail

    where mails.event = 'click'

),

links as (

    select
        mail,
        count(distinct url) as link_count

    from clicks

    where is_soon

    group by all

),

compared as (

    select
        clicks.event_id,
        clicks.is_scanner_click
        or clicks.is_at_once
        or (clicks.is_soon and coalesce(links.link_count, 0) >= 2) as is_machine_click

    from clicks

    left join links on clicks.mail = links.mail

)

select * from compared
