with

sessions as (

    select * from {{ ref('fct_sessions') }}

),

summed as (

    select
        person_id,
        cast(sum(event_count) as bigint) as event_count,
        cast(coalesce(sum(event_count) filter (
            where started_at >= {{ as_of() }} - interval 30 day
        ), 0) as bigint) as event_count_30d,
        cast(sum(page_view_count) as bigint) as page_view_count,
        count(*) as session_count,
        count(*) filter (where started_at >= {{ as_of() }} - interval 30 day) as session_count_30d,
        min(started_at) as first_event_at,
        max(ended_at) as last_event_at,
        max(started_at) as last_session_at

    from sessions

    group by all

)

select * from summed
