{{ config(materialized='view') }}

select
    events.event_id,
    events.type,
    events.event,
    coalesce(identity_map.person_id, events.user_id, events.anonymous_id) as person_id,
    identity_map.person_key,
    coalesce(identity_map.user_id, events.user_id) as user_id,
    events.anonymous_id,
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
