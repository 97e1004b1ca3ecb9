with

lines as (

    select * from {{ ref('int_lines_normalised_to_mrr') }}

),

known_from as (

    select
        account,
        subscription_id,
        valid_from
    from {{ ref('int_versions_dated_to_spans') }}

    where is_first

),

rules as (

    select * from {{ ref('int_subscriptions_sorted_to_rule_sets') }}

),

-- lines speak of the time before the first known version
earlier as (

    select
        lines.*,
        coalesce(rules.rule_set, {{ every_profile() }}) as rule_set,
        known_from.valid_from as versions_from,
        lead(lines.period_started_at) over (
            partition by lines.account, lines.subscription_item_id, rules.rule_set
            order by lines.period_started_at
        ) as next_started_at

    from lines

    left join rules
        on
            lines.account = rules.account
            and lines.subscription_id = rules.subscription_id
            and lines.discount_rule = rules.discount_rule

    left join known_from
        on lines.account = known_from.account and lines.subscription_id = known_from.subscription_id

    where known_from.valid_from is null or lines.period_started_at < known_from.valid_from

),

-- the next line of an item ends the one before; a gap of up to three days is the same subscription going on
dated as (

    select
        account,
        rule_set,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        quantity,
        line_id,
        greatest(period_started_at, counted_from) as valid_from,
        case
            when coalesce(next_started_at, versions_from) <= period_ended_at + interval 3 day
                then coalesce(next_started_at, versions_from)
            else period_ended_at
        end as valid_to,
        mrr_minor

    from earlier

)

select * from dated
