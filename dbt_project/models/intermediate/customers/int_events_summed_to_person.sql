with

events as (

    select * from {{ ref('stg_events__events') }}

),

identity_map as (

    select * from {{ ref('stg_events__identity_map') }}

    where user_id is not null

),

per_visitor as (

    select
        visitor_key,
        count(*) as event_count,
        min(event_at) as first_event_at,
        max(event_at) as last_event_at

    from events

    group by all

),

summed as (

    select
        identity_map.user_id,
        cast(sum(per_visitor.event_count) as bigint) as event_count,
        min(per_visitor.first_event_at) as first_event_at,
        max(per_visitor.last_event_at) as last_event_at

    from per_visitor

    inner join identity_map on per_visitor.visitor_key = identity_map.visitor_key

    group by all

)

select * from summed
