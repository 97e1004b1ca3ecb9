with

movements as (

    select * from {{ ref('fct_mrr_movements_daily') }}

),

summed_to_day as (

    select
        profile,
        account,
        currency,
        changed_date,
        sum(amount_minor) filter (where movement = 'new') as new_minor,
        sum(amount_minor) filter (where movement = 'expansion') as expansion_minor,
        sum(amount_minor) filter (where movement = 'contraction') as contraction_minor,
        sum(amount_minor) filter (where movement = 'churn') as churn_minor,
        sum(amount_minor) filter (where movement = 'reactivation') as reactivation_minor,
        sum(amount_minor) as amount_minor,
        count(*) filter (where opening_minor = 0) - count(*) filter (where closing_minor = 0)
            as customers_gained

    from movements

    group by all

),

first_days as (

    select
        profile,
        account,
        currency,
        min(changed_date) as first_date
    from movements
    group by all

),

-- the last day is the last that began before the moment the figures are taken at
spine as (

    select
        profile,
        account,
        currency,
        {{ day_spine('first_date', reporting_date(as_of() ~ " - interval 1 microsecond")) }} as day

    from first_days

)

select
    spine.profile,
    spine.account,
    spine.currency,
    spine.day,
    cast(coalesce(summed_to_day.new_minor, 0) as bigint) as new_minor,
    cast(coalesce(summed_to_day.expansion_minor, 0) as bigint) as expansion_minor,
    cast(coalesce(summed_to_day.contraction_minor, 0) as bigint) as contraction_minor,
    cast(coalesce(summed_to_day.churn_minor, 0) as bigint) as churn_minor,
    cast(coalesce(summed_to_day.reactivation_minor, 0) as bigint) as reactivation_minor,
    cast(sum(coalesce(summed_to_day.amount_minor, 0)) over days_in_order as bigint) as mrr_minor,
    cast(sum(coalesce(summed_to_day.customers_gained, 0)) over days_in_order as bigint) as customers

from spine

left join summed_to_day
    on
        spine.profile = summed_to_day.profile
        and spine.account = summed_to_day.account
        and spine.currency = summed_to_day.currency
        and spine.day = summed_to_day.changed_date

window days_in_order as (partition by spine.profile, spine.account, spine.currency order by spine.day)
