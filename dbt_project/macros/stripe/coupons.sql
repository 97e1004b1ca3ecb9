{#- The columns of a coupon document: inside a discount, or of its own. -#}
{% macro coupon_columns(document) %}
    {{ json_text(document, 'duration') }} as coupon_duration,
    upper({{ json_text(document, 'currency') }}) as coupon_currency,
    cast({{ json_text(document, 'percent_off') }} as decimal(9, 6)) as percent_off,
    {{ json_decimal(document, 'amount_off') }} as amount_off_minor,
    {{ json_part(document, 'applies_to.products') }} as applies_to_products
{% endmacro %}
