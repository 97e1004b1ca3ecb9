with

events as (

    select * from {{ ref('stg_email__events') }}

),

recipients as (

    select * from {{ ref('stg_state__campaign_recipients') }}

),

-- SendGrid gives back the campaign we sent along; where it does not, its message id begins with ours
matched as (

    select
        events.event_id,
        recipients.recipient_id,
        recipients.campaign,
        recipients.occurrence,
        recipients.person_id

    from events

    inner join recipients
        on
            events.address_key = recipients.address_key
            and (
                (events.campaign = recipients.campaign and events.occurrence = recipients.occurrence)
                or (
                    recipients.message_id <> ''
                    and substr(events.message_id, 1, length(recipients.message_id)) = recipients.message_id
                )
            )

    qualify
        row_number() over (
            partition by events.event_id
            order by
                (case when events.campaign = recipients.campaign then 0 else 1 end) asc,
                length(recipients.message_id) desc nulls last,
                recipients.recipient_id asc
        ) = 1

)

select * from matched
