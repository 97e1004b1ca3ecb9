with

events as (

    select * from {{ ref('fct_events') }}

),

counted_to_day as (

    select
        day,
        type,
        event,
        count(*) as event_count

    from events

    group by all

)

select * from counted_to_day
