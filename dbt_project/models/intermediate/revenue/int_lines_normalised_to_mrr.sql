with

lines as (

    select * from {{ ref('int_lines_matched_to_items') }}

),

-- tiers come as several lines of one item; of a proration only the debit says what holds from now on
summed as (

    select
        account,
        subscription_id,
        customer_id,
        subscription_item_id,
        invoice_id,
        currency,
        discount_rule,
        is_proration,
        created_at,
        period_started_at,
        period_ended_at,
        coalesce(max(line_id) filter (where {{ is_said_by_line() }}), max(line_id)) as line_id,
        coalesce(max(price_id) filter (where {{ is_said_by_line() }}), max(price_id)) as price_id,
        coalesce(max(product_id) filter (where {{ is_said_by_line() }}), max(product_id)) as product_id,
        coalesce(max(period_units) filter (where {{ is_said_by_line() }}), max(period_units)) as period_units,
        coalesce(
            min(whole_period_started_at) filter (where {{ is_said_by_line() }}), min(whole_period_started_at)
        ) as whole_period_started_at,
        max(quantity) filter (where {{ is_said_by_line() }}) as quantity,
        sum(list_minor) filter (where {{ is_said_by_line() }}) as list_minor,
        greatest(coalesce(sum(gross_minor) filter (where {{ is_said_by_line() }}), 0), 0) as gross_minor,
        coalesce(sum(inclusive_tax_minor) filter (where {{ is_said_by_line() }}), 0) as inclusive_tax_minor,
        min(gross_minor) as lowest_minor,
        max(counted_from) as counted_from

    from lines

    group by all

),

whole_periods as (

    select
        account,
        subscription_id,
        period_ended_at,
        min(period_started_at) as period_started_at
    from lines
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

    from summed

    left join whole_periods
        on
            summed.account = whole_periods.account
            and summed.subscription_id = whole_periods.subscription_id
            and summed.period_ended_at = whole_periods.period_ended_at

    where not summed.is_proration or summed.gross_minor > 0 or summed.lowest_minor < 0

),

restored as (

    select
        *,
        {{ exact_ratio('gross_minor * full_seconds', 'line_seconds', 9) }} as whole_gross_minor

    from measured

),

-- the amount was rounded to a minor unit: where the price agrees within that, the price is the truth
agreed as (

    select
        *,
        case
            when gross_minor > 0 and abs(whole_gross_minor - list_minor) * line_seconds <= full_seconds
                then cast(list_minor as decimal(38, 12))
            else cast(whole_gross_minor as decimal(38, 12))
        end as agreed_minor

    from restored

),

normalised as (

    select
        account,
        subscription_id,
        customer_id,
        subscription_item_id,
        invoice_id,
        line_id,
        price_id,
        product_id,
        currency,
        discount_rule,
        quantity,
        gross_minor,
        inclusive_tax_minor,
        is_proration,
        created_at,
        period_started_at,
        period_ended_at,
        counted_from,
        {{ monthly('agreed_minor', 'period_units') }} as taxed_mrr_minor

    from agreed

),

untaxed as (

    select
        account,
        subscription_id,
        customer_id,
        subscription_item_id,
        invoice_id,
        line_id,
        price_id,
        product_id,
        currency,
        discount_rule,
        quantity,
        gross_minor,
        inclusive_tax_minor,
        is_proration,
        created_at,
        period_started_at,
        period_ended_at,
        counted_from,
        {{ net_of_inclusive_tax('taxed_mrr_minor', 'gross_minor', 'inclusive_tax_minor') }} as mrr_minor

    from normalised

),

-- an invoice that was issued again for the same period replaces the first
deduplicated as (

    select * from untaxed

    qualify
        row_number() over (
            partition by account, subscription_item_id, discount_rule, period_started_at
            order by is_proration asc, created_at desc, line_id asc
        ) = 1

)

select * from deduplicated
