{{ config(materialized='kept', kept_by='object', kept_key='subscription_id', kept_objects=['subscription']) }}

with

source as (

    select * from {{ touched_versions(source('raw_stripe', 'object_versions')) }}

    where object in ('subscription', 'subscription_item') and {{ is_of_mode() }}

),

-- before items existed a subscription was its own single item
inside as (

    {% call parsed_once('payload', 'source') %}
    select
        account,
        sequence as version_number,
        id as subscription_id,
        upper({{ json_text('payload', 'currency') }}) as currency,
        {{ json_integer('payload', 'current_period_start') }} as period_start,
        {{ json_integer('payload', 'current_period_end') }} as period_end,
        {{ json_elements(json_part_or_itself('payload', 'items.data')) }} as item

    from source

    where object = 'subscription'
    {% endcall %}

),

listed as (

    select
        account,
        {{ json_id('payload', 'subscription') }} as subscription_id,
        id as subscription_item_id,
        sequence as item_version_number,
        version_at,
        is_deleted,
        payload as item

    from source

    where object = 'subscription_item'

),

-- Stripe shows ten items inside a subscription; a version that was cut off goes on until the next one
cut_off as (

    select
        account,
        sequence as version_number,
        id as subscription_id,
        upper({{ json_text('payload', 'currency') }}) as currency,
        lead(version_at) over (partition by account, id order by version_at, sequence) as next_version_at

    from source

    where
        object = 'subscription'
        and id in (select listed.subscription_id from listed)
        and {{ json_text('payload', 'items.has_more') }} = 'true'

),

past_the_tenth as (

    select
        cut_off.account,
        cut_off.version_number,
        cut_off.subscription_id,
        cut_off.currency,
        listed.subscription_item_id,
        listed.is_deleted,
        listed.item

    from cut_off

    inner join listed
        on
            cut_off.account = listed.account
            and cut_off.subscription_id = listed.subscription_id
            and (cut_off.next_version_at is null or cut_off.next_version_at > listed.version_at)

    where
        not exists (
            select 1
            from inside
            where
                cut_off.account = inside.account
                and cut_off.version_number = inside.version_number
                and listed.subscription_item_id = {{ json_text('inside.item', 'id') }}
        )

    qualify
        row_number() over (
            partition by cut_off.account, cut_off.version_number, listed.subscription_item_id
            order by listed.version_at desc, listed.item_version_number desc
        ) = 1

),

unnested as (

    select
        account,
        version_number,
        subscription_id,
        currency,
        period_start,
        period_end,
        item

    from inside

    union all

    select
        account,
        version_number,
        subscription_id,
        currency,
        cast(null as bigint) as period_start,
        cast(null as bigint) as period_end,
        item

    from past_the_tenth

    where not is_deleted

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

    {% call parsed_once('price', 'localised') %}{% call parsed_once('item', 'localised') %}
    select
        account,
        version_number,
        subscription_id,
        {{ json_text('item', 'id') }} as subscription_item_id,
        {{ price_columns('price', 'price_options') }}
        coalesce(currency, upper({{ json_text('price', 'currency') }})) as currency,
        {{ json_integer('item', 'quantity') }} as quantity,
        {{ json_timestamp('item', 'current_trial.end_date') }} as item_trial_ended_at,
        coalesce(
            {{ json_timestamp('item', 'current_period_start') }},
            {{ epoch_to_timestamp('period_start') }}
        ) as current_period_started_at,
        coalesce(
            {{ json_timestamp('item', 'current_period_end') }},
            {{ epoch_to_timestamp('period_end') }}
        ) as current_period_ended_at

    from localised
    {% endcall %}{% endcall %}

)

select * from renamed
