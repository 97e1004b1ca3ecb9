with recursive

steps as (

    select * from {{ ref('int_discounts_ordered_to_steps') }}

),

discounted as (

    select
        {{ columns_of_step('items') }}
        items.amount_minor,
        cast(0 as bigint) as step

    from {{ ref('int_items_cut_to_stretches') }} as items

    where
        exists (
            select 1 from steps
            where {{ is_same_stretch('steps', 'items') }}
        )

    union all

    select
        {{ columns_of_step('based') }}
        {{ discounted_amount() }} as amount_minor,
        based.step

    from (
        -- what an amount off is spread over: the eligible items that are billed most often
        select
            *,
            is_eligible and period_units = shortest_units as is_in_base,
            sum(case when is_eligible and period_units = shortest_units then amount_minor end)
                over (partition by account, version_number, discount_rule, stretch_number) as base_minor
        from (
            select
                *,
                min(case when is_eligible and amount_minor > 0 then period_units end)
                    over (partition by account, version_number, discount_rule, stretch_number)
                    as shortest_units
            from (
                select
                    {{ columns_of_step('discounted') }}
                    discounted.amount_minor,
                    steps.step,
                    steps.percent_off,
                    steps.amount_off_minor,
                    {{ is_step_for_item('steps', 'discounted') }} as is_eligible
                from discounted
                inner join steps
                    on {{ is_same_stretch('steps', 'discounted') }} and discounted.step + 1 = steps.step
            )
        )
    ) as based

),

final_amounts as (

    select * from discounted

    qualify
        row_number() over (
            partition by account, version_number, discount_rule, stretch_number, subscription_item_id
            order by step desc
        ) = 1

)

select * from final_amounts
