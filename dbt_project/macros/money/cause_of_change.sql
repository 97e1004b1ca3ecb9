{#- Why an item is worth another amount than before, in one word. -#}
{% macro cause_of_change() -%}
    case
        when mrr_minor = 0 and excluded_reason = 'collection_paused' then 'paused'
        when mrr_minor = 0 and excluded_reason is not null then excluded_reason
        when mrr_minor = 0 and source = 'invoice' then 'item_removed'
        when highest_minor = 0 and previous_reason = 'trialing' then 'trial_converted'
        when highest_minor = 0 then 'started'
        when previous_minor = 0 then 'resumed'
        when price_id <> previous_price_id then 'price_changed'
        when quantity <> previous_quantity then 'quantity_changed'
        else 'amount_changed'
    end
{%- endmacro %}
