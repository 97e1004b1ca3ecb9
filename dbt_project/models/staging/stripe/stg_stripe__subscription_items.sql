with

source as (

    select * from {{ source('raw_stripe', 'object_versions') }}

    where object = 'subscription'

),

-- before items existed a subscription was its own single item
unnested as (

    select
        account,
        sequence as version_number,
        id as subscription_id,
        upper({{ json_text('payload', 'currency') }}) as currency,
        {{ json_elements(json_part_or_itself('payload', 'items.data')) }} as item

    from source

),

priced as (

    select
        *,
        coalesce({{ json_part('item', 'price') }}, {{ json_part('item', 'plan') }}) as price

    from unnested

),

localised as (

    select
        *,
        {{ json_part_named('price', 'currency_options', 'currency') }} as price_options

    from priced

),

renamed as (

    select
        account,
        version_number,
        subscription_id,
        {{ json_text('item', 'id') }} as subscription_item_id,
        {{ price_columns('price', 'price_options') }}
        coalesce(currency, upper({{ json_text('price', 'currency') }})) as currency,
        {{ json_integer('item', 'quantity') }} as quantity,
        {{ json_timestamp('item', 'current_trial.end_date') }} as item_trial_ended_at

    from localised

)

select * from renamed
