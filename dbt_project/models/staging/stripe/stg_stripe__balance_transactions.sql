with

source as (

    select * from {{ source('raw_stripe', 'balance_transactions') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as balance_transaction_id,
        {{ json_id('payload', 'source') }} as source_id,

        -- strings
        coalesce({{ json_text('payload', 'reporting_category') }}, {{ json_text('payload', 'type') }})
            as reporting_category,
        upper({{ json_text('payload', 'currency') }}) as settlement_currency,

        -- numerics
        {{ json_integer('payload', 'amount') }} as settled_minor,
        {{ json_integer('payload', 'fee') }} as fee_minor,
        cast({{ json_sum('payload', 'fee_details', 'amount') }} as bigint) as fee_details_minor,
        {{ json_integer('payload', 'net') }} as net_minor,
        {{ json_decimal('payload', 'exchange_rate') }} as exchange_rate,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at

    from source
    {% endcall %}

)

select * from renamed
