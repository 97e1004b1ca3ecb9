with

lines as (

    select * from {{ ref('int_lines_normalised_to_mrr') }}

),

rules as (

    select * from {{ ref('int_profiles_combined_to_rule_sets') }}

),

known as (

    select * from {{ ref('int_versions_dated_to_spans') }}

    where is_first

),

-- lines speak of the time before the first known version
ruled as (

    select
        lines.*,
        rules.rule_set,
        case when rules.churn_at = 'period_end' then known.served_from else known.valid_from end
            as versions_from,
        case when rules.churn_at = 'scheduled' then known.cancel_requested_at end as cancel_requested_at,
        case when rules.start_at = 'first_paid' then late.first_paid_from end as first_paid_from,
        lead(lines.period_started_at) over (
            partition by lines.account, lines.subscription_item_id, rules.rule_set
            order by lines.period_started_at
        ) as next_started_at

    from lines

    left join {{ ref('int_subscriptions_sorted_to_rule_sets') }} as sorted
        on
            lines.account = sorted.account
            and lines.subscription_id = sorted.subscription_id
            and lines.discount_rule in ({{ every_profile() }}, sorted.discount_rule)

    inner join rules on coalesce(sorted.rule_set, {{ every_profile() }}) = rules.rule_set

    left join known
        on lines.account = known.account and lines.subscription_id = known.subscription_id

    left join {{ ref('int_invoices_searched_for_first_payments') }} as late
        on lines.account = late.account and lines.subscription_id = late.subscription_id

    where
        (known.valid_from is null or lines.period_started_at < known.valid_from)
        and (rules.start_at = 'active' or late.subscription_id is null or late.first_paid_from is not null)

),

-- the next line of an item ends the one before; a gap of up to three days is the same subscription going on
dated as (

    select
        {{ columns_of_line() }}
        greatest(period_started_at, counted_from, first_paid_from) as valid_from,
        least(case
            when coalesce(next_started_at, versions_from) <= period_ended_at + interval 3 day
                then coalesce(next_started_at, versions_from)
            else period_ended_at
        end, cancel_requested_at) as valid_to,
        mrr_minor

    from ruled

)

select * from dated
