with

source as (

    select * from {{ source('raw_rates', 'rates') }}

),

renamed as (

    select
        rate_date,
        currency,
        units_per_eur

    from source

)

select * from renamed
