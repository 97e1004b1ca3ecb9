with

source as (

    select * from {{ source('raw_stripe', 'coupons') }}

    where {{ is_of_mode() }}

),

renamed as (

    select
        account,
        id as coupon_id,
        {{ coupon_columns('payload') }}

    from source

)

select * from renamed
