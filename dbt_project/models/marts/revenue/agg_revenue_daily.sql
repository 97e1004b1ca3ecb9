with

payments as (

    select * from {{ ref('fct_payments') }}

),

summed_to_day as (

    select
        account,
        paid_date as day,
        currency,
        settlement_currency,
        count(*) filter (where kind = 'charge') as charge_count,
        count(*) filter (where kind = 'refund' and amount_minor < 0) as refund_count,
        count(*) filter (where kind = 'dispute' and amount_minor < 0) as dispute_count,
        cast(coalesce(sum(amount_minor) filter (where kind = 'charge'), 0) as bigint) as gross_minor,
        cast(coalesce(sum(amount_minor) filter (where kind = 'refund'), 0) as bigint) as refunds_minor,
        cast(coalesce(sum(amount_minor) filter (where kind = 'dispute'), 0) as bigint) as disputes_minor,
        cast(coalesce(sum(tax_minor), 0) as bigint) as tax_minor,
        cast(coalesce(sum(settled_minor), 0) as bigint) as settled_minor,
        cast(coalesce(sum(fee_minor), 0) as bigint) as fees_minor,
        cast(coalesce(sum(net_minor), 0) as bigint) as net_minor

    from payments

    group by all

)

select * from summed_to_day
