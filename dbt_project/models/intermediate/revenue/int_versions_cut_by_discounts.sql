with

discounts as (

    select * from {{ ref('int_discounts_matched_to_coupons') }}

),

cuts as (

    select
        account,
        version_number,
        discount_started_at as cut_at
    from discounts
    where discount_started_at is not null

    union

    select
        account,
        version_number,
        discount_ended_at as cut_at
    from discounts
    where discount_ended_at is not null

),

-- stretch 0 lies before the first cut
stretches as (

    select
        account,
        version_number,
        cast(0 as bigint) as stretch_number,
        cast(null as timestamp) as stretch_started_at,
        min(cut_at) as stretch_ended_at
    from cuts
    group by all

    union all

    select
        account,
        version_number,
        row_number() over cuts_in_order as stretch_number,
        cut_at as stretch_started_at,
        lead(cut_at) over cuts_in_order as stretch_ended_at
    from cuts
    window cuts_in_order as (partition by account, version_number order by cut_at)

)

select * from stretches
