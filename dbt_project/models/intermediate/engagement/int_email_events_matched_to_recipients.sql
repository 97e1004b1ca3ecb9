with

events as (

    select * from {{ ref('stg_email__events') }}

),

recipients as (

    select * from {{ ref('stg_state__campaign_recipients') }}

),

-- the mail carried the ledger's own key, and the mailer gives it back
matched_by_key as (

    select
        events.event_id,
        recipients.recipient_id,
        recipients.campaign,
        recipients.occurrence,
        recipients.person_id

    from events

    inner join recipients on events.recipient_id = recipients.recipient_id

),

-- mails of an older version carried their campaign; without one the mailer's message id begins with ours
matched_by_address as (

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

    left join matched_by_key on events.event_id = matched_by_key.event_id

    where matched_by_key.event_id is null

    qualify
        row_number() over (
            partition by events.event_id
            order by
                (case when events.campaign = recipients.campaign then 0 else 1 end) asc,
                length(recipients.message_id) desc nulls last,
                recipients.recipient_id asc
        ) = 1

),

matched as (

    select * from matched_by_key

    union all

    select * from matched_by_address

)

select * from matched
