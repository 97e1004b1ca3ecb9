with recursive

items as (

    select * from {{ ref('int_items_priced_to_amounts') }}

),

discounts as (

    select * from {{ ref('int_discounts_matched_to_coupons') }}

    where {{ is_discount_counted('coupon_duration') }}

),

stretches as (

    select * from {{ ref('int_versions_cut_by_discounts') }}

),

-- what holds in each stretch of time; an item's own discounts come first
steps as (

    select
        discounts.*,
        coalesce(stretches.stretch_number, 0) as stretch_number,
        row_number() over (
            partition by discounts.account, discounts.version_number, stretches.stretch_number
            order by
                (discounts.subscription_item_id is null),
                discounts.subscription_item_id,
                discounts.list_position
        ) as step

    from discounts

    left join stretches
        on discounts.account = stretches.account and discounts.version_number = stretches.version_number

    where
        (
            discounts.discount_started_at is null
            or discounts.discount_started_at <= stretches.stretch_started_at
        )
        and (
            discounts.discount_ended_at is null
            or stretches.stretch_started_at is null
            or discounts.discount_ended_at > stretches.stretch_started_at
        )

),

-- versions without a cut are one stretch
item_stretches as (

    select
        items.*,
        coalesce(stretches.stretch_number, 0) as stretch_number,
        stretches.stretch_started_at,
        stretches.stretch_ended_at

    from items

    left join stretches
        on items.account = stretches.account and items.version_number = stretches.version_number

),

discounted as (

    select
        item_stretches.account,
        item_stretches.version_number,
        item_stretches.stretch_number,
        item_stretches.subscription_item_id,
        item_stretches.product_id,
        item_stretches.currency,
        item_stretches.period_units,
        item_stretches.amount_minor,
        cast(0 as bigint) as step

    from item_stretches

    where
        exists (
            select 1 from steps
            where
                steps.account = item_stretches.account
                and steps.version_number = item_stretches.version_number
                and steps.stretch_number = item_stretches.stretch_number
        )

    union all

    select
        account,
        version_number,
        stretch_number,
        subscription_item_id,
        product_id,
        currency,
        period_units,
        {{ discounted_amount() }} as amount_minor,
        step

    from (
        -- what an amount off is spread over: the eligible items that are billed most often
        select
            *,
            is_eligible and period_units = shortest_units as is_in_base,
            sum(case when is_eligible and period_units = shortest_units then amount_minor end)
                over (partition by account, version_number, stretch_number) as base_minor
        from (
            select
                *,
                min(case when is_eligible and amount_minor > 0 then period_units end)
                    over (partition by account, version_number, stretch_number) as shortest_units
            from (
                select
                    discounted.account,
                    discounted.version_number,
                    discounted.stretch_number,
                    discounted.subscription_item_id,
                    discounted.product_id,
                    discounted.currency,
                    discounted.period_units,
                    discounted.amount_minor,
                    steps.step,
                    steps.percent_off,
                    steps.amount_off_minor,
                    coalesce(steps.subscription_item_id, discounted.subscription_item_id)
                    = discounted.subscription_item_id
                    and (
                        steps.applies_to_products is null
                        or {{ json_has_element('steps.applies_to_products', 'discounted.product_id') }}
                    )
                    and (
                        steps.percent_off is not null
                        or coalesce(steps.coupon_currency, discounted.currency) = discounted.currency
                    )
                        as is_eligible
                from discounted
                inner join steps
                    on
                        discounted.account = steps.account
                        and discounted.version_number = steps.version_number
                        and discounted.stretch_number = steps.stretch_number
                        and discounted.step + 1 = steps.step
            )
        )
    )

),

final_amounts as (

    select * from discounted

    qualify
        row_number() over (
            partition by account, version_number, stretch_number, subscription_item_id order by step desc
        ) = 1

),

normalised as (

    select
        item_stretches.account,
        item_stretches.version_number,
        item_stretches.subscription_id,
        item_stretches.subscription_item_id,
        item_stretches.price_id,
        item_stretches.product_id,
        item_stretches.currency,
        item_stretches.quantity,
        item_stretches.item_trial_ended_at,
        item_stretches.stretch_number,
        item_stretches.stretch_started_at,
        item_stretches.stretch_ended_at,
        {{ monthly(
            'coalesce(final_amounts.amount_minor, item_stretches.amount_minor)', 'item_stretches.period_units'
        ) }} as mrr_minor

    from item_stretches

    left join final_amounts
        on
            item_stretches.account = final_amounts.account
            and item_stretches.version_number = final_amounts.version_number
            and item_stretches.stretch_number = final_amounts.stretch_number
            and item_stretches.subscription_item_id = final_amounts.subscription_item_id

)

select * from normalised
