{{ config(materialized='view') }}

with

whole_periods as (

    select
        account,
        subscription_id,
        period_ended_at,
        min(period_started_at) as period_started_at
    from {{ ref('int_lines_matched_to_items') }}
    where not is_proration
    group by all

),

-- a proration during a trial is zero on both sides and says nothing
measured as (

    select
        summed.*,
        {{ seconds_between('summed.period_started_at', 'summed.period_ended_at') }} as line_seconds,
        case
            when not summed.is_proration
                then {{ seconds_between('summed.period_started_at', 'summed.period_ended_at') }}
            else greatest(
                {{ seconds_between('summed.period_started_at', 'summed.period_ended_at') }},
                {{ seconds_between(
                    'coalesce(whole_periods.period_started_at, summed.whole_period_started_at)',
                    'summed.period_ended_at'
                ) }}
            )
        end as full_seconds

    from {{ ref('int_lines_summed_to_items') }} as summed

    left join whole_periods
        on
            summed.account = whole_periods.account
            and summed.subscription_id = whole_periods.subscription_id
            and summed.period_ended_at = whole_periods.period_ended_at

    where not summed.is_proration or summed.gross_minor > 0 or summed.lowest_minor < 0

)

select * from measured
