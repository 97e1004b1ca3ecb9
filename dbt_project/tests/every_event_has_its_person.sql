{{ config(meta={'dagster': {'ref': {'name': 'fct_events'}}}) }}

-- The mart joins events to people; a visitor that the map knows twice would double its events.
with

counted as (

    select
        (select count(*) from {{ source('raw_events', 'events') }}) as landed,
        (select count(*) from {{ ref('fct_events') }}) as published

)

select * from counted

where landed <> published
