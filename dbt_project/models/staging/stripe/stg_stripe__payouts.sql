with

source as (

    select * from {{ source('raw_stripe', 'payouts') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as payout_id,
        {{ json_id('payload', 'balance_transaction') }} as balance_transaction_id,

        -- strings
        {{ json_text('payload', 'status') }} as payout_status,
        {{ json_text('payload', 'method') }} as payout_method,
        {{ json_text('payload', 'failure_code') }} as failure_code,
        upper({{ json_text('payload', 'currency') }}) as currency,

        -- numerics
        {{ json_integer('payload', 'amount') }} as amount_minor,

        -- booleans
        {{ json_boolean('payload', 'automatic') }} as is_automatic,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as created_at,
        coalesce(
            {{ json_timestamp('payload', 'arrival_date') }},
            {{ json_timestamp('payload', 'date') }}
        ) as arrives_at

    from source
    {% endcall %}

)

select * from renamed
