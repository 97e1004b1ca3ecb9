with

items as (

    select * from {{ ref('int_items_discounted_to_mrr') }}

),

versions as (

    select * from {{ ref('int_versions_dated_to_spans') }}

),

lines as (

    select * from {{ ref('int_lines_normalised_to_mrr') }}

),

known_from as (

    select
        account,
        subscription_id,
        valid_from,
        customer_id
    from versions

    where is_first

),

-- lines speak of the time before the first known version
earlier_lines as (

    select
        lines.*,
        known_from.valid_from as versions_from,
        lead(lines.period_started_at) over (
            partition by lines.account, lines.subscription_item_id order by lines.period_started_at
        ) as next_started_at

    from lines

    left join known_from
        on lines.account = known_from.account and lines.subscription_id = known_from.subscription_id

    where known_from.valid_from is null or lines.period_started_at < known_from.valid_from

),

-- the next line of an item ends the one before; a gap of up to three days is the same subscription going on
line_spans as (

    select
        account,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        product_id,
        currency,
        quantity,
        'invoice' as source,
        line_id as object_id,
        cast(null as varchar) as event_id,
        cast(null as varchar) as subscription_status,
        greatest(period_started_at, counted_from) as valid_from,
        case
            when coalesce(next_started_at, versions_from) <= period_ended_at + interval 3 day
                then coalesce(next_started_at, versions_from)
            else period_ended_at
        end as valid_to,
        mrr_minor

    from earlier_lines

),

-- what tax stands inside a price is known from the item's last line
last_lines as (

    select * from lines

    qualify
        row_number() over (partition by account, subscription_item_id order by period_started_at desc) = 1

),

version_spans as (

    select
        versions.account,
        versions.customer_id,
        versions.subscription_id,
        items.subscription_item_id,
        items.price_id,
        items.product_id,
        items.currency,
        items.quantity,
        'version' as source,
        versions.subscription_id as object_id,
        versions.event_id,
        versions.subscription_status,
        case
            when versions.is_counted
                then greatest(
                    versions.counted_from,
                    coalesce(items.item_trial_ended_at, versions.counted_from),
                    coalesce(items.stretch_started_at, versions.counted_from)
                )
            else greatest(versions.valid_from, coalesce(items.stretch_started_at, versions.valid_from))
        end as valid_from,
        least(versions.valid_to, items.stretch_ended_at) as valid_to,
        case
            when versions.is_counted
                then {{ net_of_inclusive_tax(
                    'items.mrr_minor', 'last_lines.gross_minor', 'last_lines.inclusive_tax_minor'
                ) }}
            else 0
        end as mrr_minor

    from versions

    inner join items
        on versions.account = items.account and versions.version_number = items.version_number

    left join last_lines
        on items.account = last_lines.account and items.subscription_item_id = last_lines.subscription_item_id

),

united as (

    select * from line_spans

    union all

    select * from version_spans

)

select * from united

where valid_to is null or valid_to > valid_from
