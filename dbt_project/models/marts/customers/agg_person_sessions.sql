with

sessions as (

    select * from {{ ref('fct_sessions') }}

),

users as (

    select
        person_id,
        user_id
    from {{ ref('int_facts_gathered_to_person') }}

    where user_id is not null

),

-- what an event calls its zone may be anything
time_zones as (

    select timezone from {{ ref('time_zones') }}

),

summed as (

    select
        users.person_id,
        cast(sum(sessions.event_count) as bigint) as event_count,
        cast(coalesce(sum(sessions.event_count) filter (
            where sessions.started_at >= {{ as_of() }} - interval 30 day
        ), 0) as bigint) as event_count_30d,
        cast(sum(sessions.page_view_count) as bigint) as page_view_count,
        count(*) as session_count,
        count(*) filter (where sessions.started_at >= {{ as_of() }} - interval 30 day) as session_count_30d,
        min(sessions.started_at) as first_event_at,
        max(sessions.ended_at) as last_event_at,
        max(sessions.started_at) as last_session_at,
        {{ value_at_most('time_zones.timezone', 'sessions.ended_at') }} as timezone

    from sessions

    inner join users on sessions.person_id = users.user_id

    left join time_zones on sessions.timezone = time_zones.timezone

    group by users.person_id

)

select * from summed
