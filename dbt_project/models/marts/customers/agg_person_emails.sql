with

events as (

    select
        *,
        -- the last choice holds: a group may be left and joined again
        case
            when outcome in ('unsubscribed', 'resubscribed')
                then row_number() over (partition by person_id order by event_at, event_id)
        end as choice_number

    from {{ ref('fct_email_events') }}

    where person_id is not null

),

summed as (

    select
        person_id,
        count(*) filter (where outcome = 'delivered') as email_delivered_count,
        count(*) filter (where outcome = 'opened' and not is_machine_open) as email_open_count,
        count(*) filter (where outcome = 'clicked') as email_click_count,
        max(event_at) filter (where outcome = 'delivered') as last_email_delivered_at,
        max(event_at) filter (where outcome = 'opened' and not is_machine_open) as last_email_opened_at,
        max(event_at) filter (where outcome = 'clicked') as last_email_clicked_at,
        max(event_at) filter (where outcome = 'bounced') as last_email_bounced_at,
        coalesce({{ value_at_most("outcome = 'unsubscribed'", 'choice_number') }}, false) as has_unsubscribed,
        max(event_at) filter (where outcome = 'unsubscribed') as last_unsubscribed_at

    from events

    group by all

)

select * from summed
