{#- Why an item is worth another amount than before, in one word. -#}
{% macro cause_of_change() -%}
    case
        when mrr_minor = 0 and subscription_status = 'over' then 'ended'
        when mrr_minor = 0 and subscription_status in ('active', 'past_due') then 'paused'
        when mrr_minor = 0 and subscription_status is not null then subscription_status
        when mrr_minor = 0 then 'item_removed'
        when highest_minor = 0 and (previous_status = 'trialing' or previous_minor = 0)
            then 'trial_converted'
        when highest_minor = 0 then 'started'
        when previous_minor = 0 then 'resumed'
        when price_id <> previous_price_id then 'price_changed'
        when quantity <> previous_quantity then 'quantity_changed'
        else 'amount_changed'
    end
{%- endmacro %}
