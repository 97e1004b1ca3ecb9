-- Yesterday's total and today's movements are today's total, with no day left out.
with

in_order as (

    select
        *,
        coalesce(lag(mrr_minor) over (partition by profile, account, currency order by day), 0)
            as opening_minor,
        lag(day) over (partition by profile, account, currency order by day) as day_before

    from {{ ref('fct_mrr_daily') }}

)

select * from in_order

where
    opening_minor + new_minor + expansion_minor + contraction_minor + churn_minor + reactivation_minor
    <> mrr_minor
    or day_before <> day - interval 1 day
    or mrr_minor < 0
    or customers < 0
