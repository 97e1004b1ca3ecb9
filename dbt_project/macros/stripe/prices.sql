{#-
  The columns of a price document. It is a `price` of today or a `plan` of older API versions: the same facts under
  other names. `options` is the part of currency_options that replaces amount and tiers, or a NULL document.
-#}
{% macro price_columns(document, options='cast(null as json)') %}
    {{ json_text(document, 'id') }} as price_id,
    {{ json_id(document, 'product') }} as product_id,
    upper({{ json_text(document, 'currency') }}) as price_currency,
    {{ json_text(document, 'nickname') }} as price_nickname,
    coalesce({{ json_text(document, 'billing_scheme') }}, 'per_unit') as billing_scheme,
    {{ json_text(document, 'tiers_mode') }} as tiers_mode,
    {{ price_text(document, 'recurring.usage_type', 'usage_type') }} as usage_type,
    {{ price_text(document, 'recurring.interval', 'interval') }} as period_interval,
    cast({{ price_text(document, 'recurring.interval_count', 'interval_count') }} as bigint) as interval_count,
    {{ price_text(document, 'transform_quantity.round', 'transform_usage.round') }} as transform_round,
    cast({{ price_text(document, 'transform_quantity.divide_by', 'transform_usage.divide_by') }} as bigint)
        as transform_divide_by,
    coalesce(
        {{ json_decimal(options, 'unit_amount_decimal') }}, {{ json_decimal(options, 'unit_amount') }},
        {{ json_decimal(document, 'unit_amount_decimal') }}, {{ json_decimal(document, 'unit_amount') }},
        {{ json_decimal(document, 'amount_decimal') }}, {{ json_decimal(document, 'amount') }}
    ) as unit_amount_minor,
    coalesce({{ json_part(options, 'tiers') }}, {{ json_part(document, 'tiers') }}) as tiers,
{% endmacro %}

{% macro price_text(document, today, older) -%}
    coalesce({{ json_text(document, today) }}, {{ json_text(document, older) }})
{%- endmacro %}
