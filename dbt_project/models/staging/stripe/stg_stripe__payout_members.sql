with

source as (

    select
        *,
        row_number() over (partition by account, id order by version_at desc, payload_hash desc) as newest

    from {{ source('raw_stripe', 'object_versions') }}

    where object = 'payout_members' and {{ is_of_mode() }}

),

unnested as (

    select
        account,
        id as payout_id,
        {{ json_elements('payload', 'members') }} as member

    from source

    where newest = 1

),

renamed as (

    select
        account,
        payout_id,
        {{ json_id_of_element('member') }} as balance_transaction_id

    from unnested

)

select * from renamed
