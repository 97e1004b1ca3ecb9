with

told as (

    select * from {{ ref('stg_rates__rates') }}

),

shipped as (

    select * from {{ ref('ecb_rates') }}

),

-- what was told wins over what is shipped, day by day
united as (

    select
        rate_date,
        currency,
        units_per_eur
    from told

    union all

    select
        shipped.rate_date,
        shipped.currency,
        shipped.units_per_eur

    from shipped

    left join told on shipped.rate_date = told.rate_date and shipped.currency = told.currency

    where told.currency is null

)

select
    rate_date,
    currency,
    cast(units_per_eur as decimal(18, 9)) as units_per_eur

from united
