{{ config(materialized='view') }}

select
    events.event_id,
    events.type,
    events.event,
    identity_map.person_id,
    identity_map.person_key,
    identity_map.user_id,
    identity_map.anonymous_id,
    events.visitor_key,
    events.event_at,
    events.received_at,
    events.day,
    events.properties,
    events.context,
    events.is_synthetic_id

from {{ ref('stg_events__events') }} as events

left join {{ ref('stg_events__identity_map') }} as identity_map
    on events.visitor_key = identity_map.visitor_key
