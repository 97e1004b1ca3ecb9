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

{% macro columns_of_point() -%}
    rule_set, account, customer_id, subscription_id, subscription_item_id, price_id, product_id, currency, quantity,
    source, object_id,
{%- endmacro %}

{#- What a line bills, on its way from one step to the next. -#}
{% macro columns_of_amount(relation) -%}
    {%- for column in [
        'price_id', 'product_id', 'currency', 'period_units', 'whole_period_started_at', 'quantity', 'discount_rule',
        'list_minor', 'gross_minor', 'inclusive_tax_minor', 'is_proration', 'period_started_at', 'period_ended_at',
    ] %}
    {{ relation }}.{{ column }},
    {%- endfor -%}
{%- endmacro %}
