with

versions as (

    select * from {{ ref('int_items_dated_to_spans') }}

),

-- a version that does not count, or not yet, or no longer, is worth nothing for that time
united as (

    select
        {{ columns_of_span('version') }}
        excluded_reason,
        valid_from,
        valid_to,
        0 as mrr_minor
    from versions
    where excluded_reason is not null

    union all

    select
        {{ columns_of_span('version') }}
        waiting_reason as excluded_reason,
        valid_from,
        least(valid_to, counted_from) as valid_to,
        0 as mrr_minor
    from versions
    where excluded_reason is null

    union all

    select
        {{ columns_of_span('version') }}
        cast(null as varchar) as excluded_reason,
        counted_from as valid_from,
        least(valid_to, counted_to) as valid_to,
        mrr_minor
    from versions
    where excluded_reason is null

    union all

    select
        {{ columns_of_span('version') }}
        'past_due' as excluded_reason,
        greatest(counted_from, counted_to) as valid_from,
        valid_to,
        0 as mrr_minor
    from versions
    where excluded_reason is null and counted_to is not null

    union all

    select
        {{ columns_of_span('invoice') }}
        cast(null as varchar) as excluded_reason,
        valid_from,
        valid_to,
        mrr_minor
    from {{ ref('int_lines_dated_to_spans') }}

)

select * from united

where valid_to is null or valid_to > valid_from
