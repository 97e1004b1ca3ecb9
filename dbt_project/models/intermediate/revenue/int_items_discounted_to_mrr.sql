with recursive

items as (

    select * from {{ ref('int_items_priced_to_amounts') }}

),

-- profile `stripe`: only coupons that never end reduce recurring revenue; an item's own come first
steps as (

    select
        *,
        row_number() over (
            partition by account, version_number
            order by (subscription_item_id is null), subscription_item_id, list_position
        ) as step

    from {{ ref('int_discounts_matched_to_coupons') }}

    where coupon_duration = 'forever'

),

discounted as (

    select
        items.account,
        items.version_number,
        items.subscription_item_id,
        items.product_id,
        items.currency,
        items.period_units,
        items.amount_minor,
        cast(0 as bigint) as step

    from items

    where
        exists (
            select 1 from steps
            where steps.account = items.account and steps.version_number = items.version_number
        )

    union all

    select
        account,
        version_number,
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
                over (partition by account, version_number) as base_minor
        from (
            select
                *,
                min(case when is_eligible and amount_minor > 0 then period_units end)
                    over (partition by account, version_number) as shortest_units
            from (
                select
                    discounted.account,
                    discounted.version_number,
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
                        and discounted.step + 1 = steps.step
            )
        )
    )

),

final_amounts as (

    select * from discounted

    qualify
        row_number() over (
            partition by account, version_number, subscription_item_id order by step desc
        ) = 1

),

normalised as (

    select
        items.account,
        items.version_number,
        items.subscription_id,
        items.subscription_item_id,
        items.price_id,
        items.product_id,
        items.currency,
        items.quantity,
        items.item_trial_ended_at,
        {{ monthly('coalesce(final_amounts.amount_minor, items.amount_minor)', 'items.period_units') }}
            as mrr_minor

    from items

    left join final_amounts
        on
            items.account = final_amounts.account
            and items.version_number = final_amounts.version_number
            and items.subscription_item_id = final_amounts.subscription_item_id

)

select * from normalised
