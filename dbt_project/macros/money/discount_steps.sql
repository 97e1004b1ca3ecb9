{#- What one item's amount carries from discount to discount. -#}
{% macro columns_of_step(relation) -%}
    {%- for column in [
        'account', 'version_number', 'discount_rule', 'stretch_number', 'subscription_item_id', 'product_id', 'currency',
        'period_units',
    ] %}
        {{ relation }}.{{ column }},
    {%- endfor -%}
{%- endmacro %}

{% macro is_same_stretch(left, right) -%}
    {{ left }}.account = {{ right }}.account
    and {{ left }}.version_number = {{ right }}.version_number
    and {{ left }}.discount_rule = {{ right }}.discount_rule
    and {{ left }}.stretch_number = {{ right }}.stretch_number
{%- endmacro %}

{#- Whether a discount is for this item: its own or the subscription's, of these products, in this currency. -#}
{% macro is_step_for_item(step, item) -%}
    coalesce({{ step }}.subscription_item_id, {{ item }}.subscription_item_id) = {{ item }}.subscription_item_id
    and (
        {{ step }}.applies_to_products is null
        or {{ json_has_element(step ~ '.applies_to_products', item ~ '.product_id') }}
    )
    and ({{ step }}.percent_off is not null or coalesce({{ step }}.coupon_currency, {{ item }}.currency) = {{ item }}.currency)
{%- endmacro %}
