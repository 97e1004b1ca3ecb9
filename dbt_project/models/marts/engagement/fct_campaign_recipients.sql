with

recipients as (

    select * from {{ ref('stg_state__campaign_recipients') }}

),

events as (

    select * from {{ ref('fct_email_events') }}

    where recipient_id is not null

),

unsubscribes as (

    select * from {{ ref('int_unsubscribes_matched_to_recipients') }}

),

persons as (

    select * from {{ ref('int_facts_gathered_to_person') }}

),

addresses as (

    select * from {{ ref('int_addresses_linked_to_persons') }}

),

summed_to_recipient as (

    select
        recipient_id,
        min(event_at) filter (where outcome = 'delivered') as delivered_at,
        min(event_at) filter (where outcome = 'opened' and not is_machine_open) as first_opened_at,
        min(event_at) filter (where outcome = 'clicked') as first_clicked_at,
        min(event_at) filter (where outcome = 'bounced') as bounced_at,
        min(event_at) filter (where outcome = 'dropped') as dropped_at,
        min(event_at) filter (where outcome = 'complained') as complained_at,
        min(event_at) filter (where outcome = 'unsubscribed') as unsubscribed_at,
        min(event_at) filter (where outcome = 'deferred') as deferred_at,
        min(event_at) filter (where outcome = 'processed') as processed_at,
        count(*) filter (where outcome = 'opened' and not is_machine_open) as open_count,
        count(*) filter (where outcome = 'clicked') as click_count,
        count(*) filter (where outcome = 'scanned') as machine_click_count

    from events

    group by all

),

described as (

    select
        -- ids
        recipients.recipient_id,
        recipients.campaign,
        recipients.occurrence,
        coalesce(persons.person_id, addresses.person_id, recipients.person_id) as person_id,
        recipients.message_id,

        -- strings
        recipients.variant,
        recipients.state,
        recipients.reason,
        -- what says most, whatever was told last; everything that was told stays in fct_email_events
        case
            when summed_to_recipient.complained_at is not null then 'complained'
            when
                least(summed_to_recipient.unsubscribed_at, unsubscribes.unsubscribed_at) is not null
                then 'unsubscribed'
            when summed_to_recipient.first_clicked_at is not null then 'clicked'
            when summed_to_recipient.first_opened_at is not null then 'opened'
            when summed_to_recipient.delivered_at is not null then 'delivered'
            when summed_to_recipient.bounced_at is not null then 'bounced'
            when summed_to_recipient.dropped_at is not null then 'dropped'
            when summed_to_recipient.deferred_at is not null then 'deferred'
            when summed_to_recipient.processed_at is not null then 'processed'
            else recipients.state
        end as status,

        -- numerics
        recipients.attempt_count,
        coalesce(summed_to_recipient.open_count, 0) as open_count,
        coalesce(summed_to_recipient.click_count, 0) as click_count,
        coalesce(summed_to_recipient.machine_click_count, 0) as machine_click_count,

        -- booleans
        recipients.state = 'holdout' as is_held_out,
        summed_to_recipient.delivered_at is not null as is_delivered,
        -- a mail whose click was told was opened, even where its images were not fetched
        coalesce(summed_to_recipient.first_opened_at, summed_to_recipient.first_clicked_at) is not null
            as is_opened,
        summed_to_recipient.first_clicked_at is not null as is_clicked,
        summed_to_recipient.bounced_at is not null as is_bounced,
        summed_to_recipient.complained_at is not null as is_complained,
        least(summed_to_recipient.unsubscribed_at, unsubscribes.unsubscribed_at) is not null
            as is_unsubscribed,

        -- timestamps
        recipients.planned_at,
        recipients.sent_at,
        recipients.done_at,
        summed_to_recipient.delivered_at,
        summed_to_recipient.first_opened_at,
        summed_to_recipient.first_clicked_at,
        summed_to_recipient.bounced_at,
        summed_to_recipient.dropped_at,
        summed_to_recipient.complained_at,
        -- by the mailer's word or by the link of ours; the earlier one where there are both
        least(summed_to_recipient.unsubscribed_at, unsubscribes.unsubscribed_at) as unsubscribed_at

    from recipients

    left join summed_to_recipient on recipients.recipient_id = summed_to_recipient.recipient_id

    left join unsubscribes on recipients.recipient_id = unsubscribes.recipient_id

    left join persons on recipients.person_id = persons.person_id

    left join addresses on recipients.address_key = addresses.address_key

)

select * from described
