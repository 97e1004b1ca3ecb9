with

source as (

    select * from {{ source('raw_stripe', 'prices') }}

    where {{ is_of_mode() }}

),

renamed as (

    {% call parsed_once('payload', 'source') %}
    select
        account,
        {{ price_columns('payload') }}
        coalesce(
            {{ json_text('payload', 'type') }},
            case when {{ json_part('payload', 'recurring') }} is null then 'one_time' else 'recurring' end
        ) as price_type,
        {{ json_text('payload', 'tax_behavior') }} as tax_behavior,
        {{ json_boolean('payload', 'active') }} and not is_deleted as is_active,
        {{ json_timestamp('payload', 'created') }} as created_at

    from source
    {% endcall %}

)

select * from renamed
