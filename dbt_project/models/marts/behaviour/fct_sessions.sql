with

events as (

    select * from {{ ref('int_events_traced_to_origins') }}

),

started as (

    select
        *,
        coalesce(
            lag(event_at) over person_in_order < event_at - interval 30 minute, true
        ) as is_start

    from events

    window person_in_order as (partition by person_id order by event_at, event_id)

),

numbered as (

    select
        *,
        sum(case when is_start then 1 else 0 end) over person_in_order as session_number,
        row_number() over person_in_order as event_number

    from started

    window person_in_order as (
        partition by person_id order by event_at, event_id rows between unbounded preceding and current row
    )

),

gathered as (

    select
        person_id,
        session_number,
        {{ value_at_least('event_id', 'event_number') }} as session_id,
        {{ value_at_least('visitor_key', 'event_number') }} as visitor_key,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        count(*) as event_count,
        count(*) filter (where is_page_view) as page_view_count,
        count(*) filter (where is_robot) > 0 as is_robot,
        {{ value_at_least('page', 'event_number') }} as entry_page,
        {{ value_at_most('page', 'event_number') }} as exit_page,
        {{ value_at_most('timezone', 'event_number') }} as timezone

    from numbered

    group by person_id, session_number

),

-- one event tells where a visit came from: the first that names a campaign or a site outside
origins as (

    select
        person_id,
        session_number,
        referrer,
        referrer_host,
        utm_source,
        utm_medium,
        utm_campaign,
        has_click_id

    from numbered

    where has_origin

    qualify row_number() over (partition by person_id, session_number order by event_number) = 1

),

described as (

    select
        gathered.session_id,
        gathered.person_id,
        gathered.visitor_key,
        gathered.started_at,
        gathered.ended_at,
        {{ reporting_date('gathered.started_at') }} as session_date,
        gathered.event_count,
        gathered.page_view_count,
        gathered.entry_page,
        gathered.exit_page,
        gathered.timezone,
        origins.referrer,
        origins.utm_source,
        origins.utm_medium,
        origins.utm_campaign,
        case
            when origins.person_id is null then 'direct'
            else {{ channel_of('lower(origins.utm_source)', 'lower(origins.utm_medium)',
                'origins.referrer_host', 'origins.has_click_id') }}
        end as channel,
        gathered.event_count = 1 as is_bounce,
        gathered.is_robot

    from gathered

    left join origins
        on gathered.person_id = origins.person_id and gathered.session_number = origins.session_number

)

select * from described
