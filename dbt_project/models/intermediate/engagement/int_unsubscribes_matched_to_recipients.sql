with

unsubscribes as (

    select
        address_key,
        substr(consent_source, 6) as campaign,
        happened_at

    from {{ ref('stg_state__consent_events') }}

    where action = 'withdrawn' and consent_source like 'link:%'

    group by all

),

recipients as (

    select * from {{ ref('stg_state__campaign_recipients') }}

    where sent_at is not null

),

-- the link names its campaign; of several occurrences it is the newest mail that was there
matched as (

    select
        recipients.recipient_id,
        unsubscribes.happened_at

    from unsubscribes

    inner join recipients
        on
            unsubscribes.address_key = recipients.address_key
            and unsubscribes.campaign = recipients.campaign
            and unsubscribes.happened_at >= recipients.sent_at

    qualify
        row_number() over (
            partition by unsubscribes.address_key, unsubscribes.campaign, unsubscribes.happened_at
            order by recipients.sent_at desc, recipients.recipient_id asc
        ) = 1

),

summed as (

    select
        recipient_id,
        min(happened_at) as unsubscribed_at

    from matched

    group by all

)

select * from summed
