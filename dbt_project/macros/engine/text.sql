{% macro sha256_hex(text) %}{{ adapter.dispatch('sha256_hex', 'millstream')(text) }}{% endmacro %}
{% macro default__sha256_hex(text) %}sha256({{ text }}){% endmacro %}
{% macro spark__sha256_hex(text) %}sha2({{ text }}, 256){% endmacro %}

{#- A stable key of several columns. -#}
{% macro key_of(columns) -%}
    md5(concat_ws('|', {{ columns | join(', ') }}))
{%- endmacro %}

{#- How an address is compared: no dot or plus folding. -#}
{% macro normalised_email(column) %}nullif(lower(trim({{ column }})), ''){% endmacro %}
