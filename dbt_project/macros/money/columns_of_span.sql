{#- Whose span it is and what tells it: a version of the subscription, or an invoice line. -#}
{% macro columns_of_span(source) -%}
    account,
    rule_set,
    customer_id,
    subscription_id,
    subscription_item_id,
    price_id,
    product_id,
    currency,
    quantity,
    '{{ source }}' as source,
    {{ 'subscription_id' if source == 'version' else 'line_id' }} as object_id,
    {{ 'event_id' if source == 'version' else 'cast(null as varchar)' }} as event_id,
{%- endmacro %}

{% macro columns_of_line() -%}
    account, rule_set, customer_id, subscription_id, subscription_item_id, price_id, product_id, currency, quantity,
    line_id,
{%- endmacro %}
