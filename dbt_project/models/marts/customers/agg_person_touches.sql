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

payments as (

    select * from {{ ref('agg_person_payments') }}

),

-- what led to the first payment lies before it; who never paid is still on the way
before_paying as (

    select
        users.person_id,
        sessions.channel,
        sessions.referrer,
        sessions.entry_page,
        sessions.utm_source,
        sessions.utm_medium,
        sessions.utm_campaign,
        row_number() over (partition by users.person_id order by sessions.started_at asc) as from_first,
        row_number() over (
            partition by users.person_id
            order by (case when sessions.channel = 'direct' then 1 else 0 end) asc, sessions.started_at desc
        ) as from_last

    from sessions

    inner join users on sessions.person_id = users.user_id

    left join payments on users.person_id = payments.person_id

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
