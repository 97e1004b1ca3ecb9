{#- A discount of a version: whose it is, and of its coupon what is known. -#}
{% macro columns_of_discount(relation, version=none, is_known=true) -%}
    {%- set of_version = version or relation -%}
    {{ of_version }}.account,
    {{ of_version }}.version_number,
    {{ of_version }}.subscription_id,
    {{ 'listed.subscription_item_id' if relation == 'listed' else 'cast(null as varchar) as subscription_item_id' }},
    {{ relation }}.discount_id,
    {%- for column, type in [
        ('coupon_id', 'varchar'), ('coupon_duration', 'varchar'), ('coupon_currency', 'varchar'),
        ('percent_off', 'decimal(9, 6)'), ('amount_off_minor', 'decimal(38, 12)'), ('applies_to_products', 'json'),
    ] %}
    {{ 'cast(' ~ relation ~ '.' ~ column if is_known else 'cast(null' }} as {{ type }}) as {{ column }},
    {%- endfor %}
{%- endmacro %}
