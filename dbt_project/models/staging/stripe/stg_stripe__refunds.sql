with

source as (

    select * from {{ source('raw_stripe', 'refunds') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        -- ids
        account,
        id as refund_id,
        {{ json_id('payload', 'charge') }} as charge_id,
        {{ json_id('payload', 'balance_transaction') }} as balance_transaction_id,
        {{ json_id('payload', 'failure_balance_transaction') }} as failure_balance_transaction_id,

        -- strings
        coalesce({{ json_text('payload', 'status') }}, 'succeeded') as refund_status,
        {{ json_text('payload', 'reason') }} as refund_reason,
        upper({{ json_text('payload', 'currency') }}) as currency,

        -- numerics
        {{ json_integer('payload', 'amount') }} as amount_minor,

        -- timestamps
        {{ json_timestamp('payload', 'created') }} as refunded_at

    from source
    {% endcall %}

)

select * from renamed
