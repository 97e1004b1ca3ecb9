{#- The distinct values in order, as an array. -#}
{% macro sorted_list(column) %}{{ adapter.dispatch('sorted_list', 'millstream')(column) }}{% endmacro %}
{% macro default__sorted_list(column) -%}
    list(distinct {{ column }} order by {{ column }}) filter (where {{ column }} is not null)
{%- endmacro %}
{% macro spark__sorted_list(column) %}array_sort(collect_set({{ column }})){% endmacro %}

{#- The value that stands beside the smallest / largest `by`; NULL values are passed over. -#}
{% macro value_at_least(column, by) %}{{ adapter.dispatch('value_at_least', 'millstream')(column, by) }}{% endmacro %}
{% macro default__value_at_least(column, by) %}arg_min({{ column }}, {{ by }}){% endmacro %}
{% macro spark__value_at_least(column, by) %}min_by({{ column }}, {{ by }}) filter (where {{ column }} is not null){% endmacro %}

{% macro value_at_most(column, by) %}{{ adapter.dispatch('value_at_most', 'millstream')(column, by) }}{% endmacro %}
{% macro default__value_at_most(column, by) %}arg_max({{ column }}, {{ by }}){% endmacro %}
{% macro spark__value_at_most(column, by) %}max_by({{ column }}, {{ by }}) filter (where {{ column }} is not null){% endmacro %}

{% macro empty_list() %}{{ adapter.dispatch('empty_list', 'millstream')() }}{% endmacro %}
{% macro default__empty_list() %}cast([] as varchar[]){% endmacro %}
{% macro spark__empty_list() %}cast(array() as array<string>){% endmacro %}
