{{ config(materialized='view') }}

with

events as (

    select * from {{ ref('stg_events__events') }}

),

-- as in fct_events
identity_map as (

    select * from {{ ref('stg_events__identity_map') }}

),

-- most events tell of no page and no campaign: finding that out is cheaper than reading their JSON
opened as (

    select
        events.event_id,
        identity_map.person_id,
        events.visitor_key,
        events.event_at,
        events.event,
        events.type in ('page', 'screen') as is_page_view,
        case when events.type in ('page', 'screen') then events.properties end as page,
        case
            when
                events.context like '%"page"%' or events.context like '%"campaign"%'
                or events.context like '%"userAgent"%' or events.context like '%"timezone"%'
                then events.context
        end as context,
        case when events.properties like '%"user_agent"%' then events.properties end as logged

    from events

    left join identity_map on events.visitor_key = identity_map.visitor_key

),

with_pages as (

    {% call parsed_once('page', 'opened') %}
    select
        event_id,
        person_id,
        visitor_key,
        event_at,
        event,
        context,
        is_page_view,
        {{ json_text('logged', 'user_agent') }} as logged_agent,
        {{ json_text('page', 'path') }} as page_path,
        {{ json_text('page', 'url') }} as page_url,
        {{ json_text('page', 'search') }} as page_search,
        {{ json_text('page', 'referrer') }} as page_referrer

    from opened
    {% endcall %}

),

with_context as (

    {% call parsed_once('context', 'with_pages') %}
    select
        event_id,
        person_id,
        visitor_key,
        event_at,
        event,
        is_page_view,
        coalesce({{ json_text('context', 'userAgent') }}, logged_agent) as user_agent,
        nullif(trim({{ json_text('context', 'timezone') }}), '') as timezone,
        coalesce(page_path, {{ json_text('context', 'page.path') }}) as page_path,
        coalesce(page_url, {{ json_text('context', 'page.url') }}) as page_url,
        coalesce(page_search, {{ json_text('context', 'page.search') }}) as page_search,
        nullif(trim(coalesce(page_referrer, {{ json_text('context', 'page.referrer') }})), '') as page_referrer,
        nullif(trim({{ json_text('context', 'campaign.source') }}), '') as campaign_source,
        nullif(trim({{ json_text('context', 'campaign.medium') }}), '') as campaign_medium,
        nullif(trim({{ json_text('context', 'campaign.name') }}), '') as campaign_name

    from with_pages
    {% endcall %}

),

-- the page's own address carries the campaign where the sender's library did not take it out
with_campaigns as (

    select
        *,
        case
            when coalesce(page_search, page_url) like '%=%' then coalesce(page_search, page_url)
        end as query,
        {{ url_host('page_url') }} as own_host,
        {{ url_host('page_referrer') }} as linking_host

    from with_context

),

-- a link from the shop to its own app brought nobody
with_outsiders as (

    select
        *,
        case when not {{ is_same_site('linking_host', 'own_host') }} then linking_host end as referrer_host

    from with_campaigns

),

traced as (

    select
        event_id,
        person_id,
        visitor_key,
        event_at,
        is_page_view,
        timezone,
        {{ is_robot('user_agent') }} as is_robot,
        case when is_page_view then coalesce(page_path, {{ url_path('page_url') }}, event) end as page,
        case when referrer_host is not null then page_referrer end as referrer,
        referrer_host,
        coalesce(campaign_source, {{ url_parameter('query', 'utm_source') }}) as utm_source,
        coalesce(campaign_medium, {{ url_parameter('query', 'utm_medium') }}) as utm_medium,
        coalesce(campaign_name, {{ url_parameter('query', 'utm_campaign') }}) as utm_campaign,
        coalesce({{ url_parameter('query', 'gclid') }}, {{ url_parameter('query', 'msclkid') }}) is not null
            as has_click_id

    from with_outsiders

)

select
    *,
    coalesce(referrer, utm_source, utm_medium, utm_campaign) is not null or has_click_id as has_origin

from traced
