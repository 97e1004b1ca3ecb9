with

sessions as (

    select * from {{ ref('fct_sessions') }}

),

payments as (

    select * from {{ ref('agg_person_payments') }}

),

-- what led to the first payment lies before it; who never paid is still on the way
before_paying as (

    select
        sessions.*,
        row_number() over (partition by sessions.person_id order by sessions.started_at asc) as from_first,
        row_number() over (
            partition by sessions.person_id
            order by (case when sessions.channel = 'direct' then 1 else 0 end) asc, sessions.started_at desc
        ) as from_last

    from sessions

    left join payments on sessions.person_id = payments.person_id

    where payments.customer_since is null or sessions.started_at <= payments.customer_since

),

credited as (

    select
        person_id,
        max(case when from_first = 1 then channel end) as acquisition_channel,
        max(case when from_first = 1 then referrer end) as acquisition_referrer,
        max(case when from_first = 1 then entry_page end) as acquisition_page,
        max(case when from_first = 1 then utm_source end) as first_utm_source,
        max(case when from_first = 1 then utm_medium end) as first_utm_medium,
        max(case when from_first = 1 then utm_campaign end) as first_utm_campaign,
        max(case when from_last = 1 then channel end) as last_touch_channel,
        max(case when from_last = 1 then utm_source end) as last_utm_source,
        max(case when from_last = 1 then utm_medium end) as last_utm_medium,
        max(case when from_last = 1 then utm_campaign end) as last_utm_campaign

    from before_paying

    where from_first = 1 or from_last = 1

    group by all

)

select * from credited
