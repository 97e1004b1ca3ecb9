with

refunds as (

    select
        account,
        livemode,
        id,
        payload
    from {{ source('raw_stripe', 'refunds') }}

    where {{ is_of_mode() }}

),

charges as (

    select * from {{ source('raw_stripe', 'charges') }}

    where {{ is_of_mode() }}

),

-- Before 2022-11-15 a charge carried its refunds, and an event about them may be all that a file tells.
inside_charges as (

    select
        account,
        livemode,
        unnest(json_extract(payload, '$.refunds.data[*]')) as payload
    from charges

),

source as (

    select * from refunds

    union all

    select
        inside_charges.account,
        inside_charges.livemode,
        json_extract_string(inside_charges.payload, '$.id') as id,
        inside_charges.payload
    from inside_charges
    left join refunds
        on
            inside_charges.account = refunds.account
            and json_extract_string(inside_charges.payload, '$.id') = refunds.id
    where refunds.id is null

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
