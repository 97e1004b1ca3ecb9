{#- JSON: a path is written with dots ('recurring.interval'); a JSON null and a missing key are both NULL. -#}
{% macro json_text(column, path) %}{{ adapter.dispatch('json_text', 'millstream')(column, path) }}{% endmacro %}
{% macro default__json_text(column, path) %}json_extract_string({{ column }}, '$.{{ path }}'){% endmacro %}
{% macro spark__json_text(column, path) %}get_json_object({{ column }}, '$.{{ path }}'){% endmacro %}

{#- A part of the document, itself JSON. -#}
{% macro json_part(column, path) %}{{ adapter.dispatch('json_part', 'millstream')(column, path) }}{% endmacro %}
{% macro default__json_part(column, path) %}nullif(json_extract({{ column }}, '$.{{ path }}'), 'null'){% endmacro %}
{% macro spark__json_part(column, path) %}get_json_object({{ column }}, '$.{{ path }}'){% endmacro %}

{#- The part whose key is the lower-case value of another column: currency_options.eur. -#}
{% macro json_part_named(column, path, key) -%}
    {{ adapter.dispatch('json_part_named', 'millstream')(column, path, key) }}
{%- endmacro %}
{% macro default__json_part_named(column, path, key) -%}
    nullif(json_extract({{ column }}, '$.{{ path }}.' || lower({{ key }})), 'null')
{%- endmacro %}
{% macro spark__json_part_named(column, path, key) -%}
    get_json_object({{ column }}, concat('$.{{ path }}.', lower({{ key }})))
{%- endmacro %}

{#- One row per element of the array; write json_positions beside it for the order (1, 2, ...). -#}
{% macro json_elements(column, path='') -%}
    {{ adapter.dispatch('json_elements', 'millstream')(column, path) }}
{%- endmacro %}
{% macro default__json_elements(column, path) -%}
    unnest(json_extract({{ column }}, '${{ '.' ~ path if path }}[*]'))
{%- endmacro %}

{% macro json_positions(column, path='') -%}
    {{ adapter.dispatch('json_positions', 'millstream')(column, path) }}
{%- endmacro %}
{% macro default__json_positions(column, path) -%}
    unnest(range(1, len(json_extract({{ column }}, '${{ '.' ~ path if path }}[*]')) + 1))
{%- endmacro %}

{#- Whether anything stands at a path with stars: asked first, it saves taking documents apart that have nothing there. -#}
{% macro json_has_any(column, path) %}{{ adapter.dispatch('json_has_any', 'millstream')(column, path) }}{% endmacro %}
{% macro default__json_has_any(column, path) %}len(json_extract({{ column }}, '$.{{ path }}')) > 0{% endmacro %}
{% macro spark__json_has_any(column, path) -%}
    coalesce(get_json_object({{ column }}, '$.{{ path }}'), '[]') <> '[]'
{%- endmacro %}

{#- The document as the only element of an array. -#}
{% macro json_array_of(column) %}{{ adapter.dispatch('json_array_of', 'millstream')(column) }}{% endmacro %}
{% macro default__json_array_of(column) %}json_array({{ column }}){% endmacro %}

{#- The array at the path; where there is none, the document itself as the only element. -#}
{% macro json_part_or_itself(column, path) -%}
    coalesce({{ json_part(column, path) }}, {{ json_array_of(column) }})
{%- endmacro %}

{% macro json_has_element(column, text) %}{{ adapter.dispatch('json_has_element', 'millstream')(column, text) }}{% endmacro %}
{% macro default__json_has_element(column, text) -%}
    list_contains(json_extract_string({{ column }}, '$[*]'), {{ text }})
{%- endmacro %}

{#- The id of a reference that is either the id itself or, expanded, the whole object. -#}
{% macro json_id(column, path) -%}
    coalesce({{ json_text(column, path ~ '.id') }}, {{ json_text(column, path) }})
{%- endmacro %}

{#- The same for an element of an array: the element is a text, or an object with an id. -#}
{% macro json_id_of_element(column) %}{{ adapter.dispatch('json_id_of_element', 'millstream')(column) }}{% endmacro %}
{% macro default__json_id_of_element(column) -%}
    coalesce(json_extract_string({{ column }}, '$.id'), json_extract_string({{ column }}, '$'))
{%- endmacro %}

{#- The sum of a whole number over the elements of an array; 0 for an empty one, NULL where there is none. -#}
{% macro json_sum(column, path, name) %}{{ adapter.dispatch('json_sum', 'millstream')(column, path, name) }}{% endmacro %}
{% macro default__json_sum(column, path, name) -%}
    case
        when json_array_length({{ column }}, '$.{{ path }}') is not null
            then coalesce(
                list_sum(cast(json_extract_string({{ column }}, '$.{{ path }}[*].{{ name }}') as bigint[])), 0
            )
    end
{%- endmacro %}

{% macro json_integer(column, path) %}cast({{ json_text(column, path) }} as bigint){% endmacro %}

{% macro json_boolean(column, path) %}coalesce({{ json_text(column, path) }} = 'true', false){% endmacro %}

{#- Twelve places is what Stripe's *_decimal fields carry. -#}
{% macro json_decimal(column, path) %}{{ text_to_decimal(json_text(column, path)) }}{% endmacro %}

{#- DuckDB takes eighty times as long from text to a wide decimal as from a whole number, and most amounts are whole. -#}
{% macro text_to_decimal(text) %}{{ adapter.dispatch('text_to_decimal', 'millstream')(text) }}{% endmacro %}
{% macro default__text_to_decimal(text) -%}
    case
        when regexp_matches({{ text }}, '^-?[0-9]{1,18}$') then cast(cast({{ text }} as bigint) as decimal(38, 12))
        else cast({{ text }} as decimal(38, 12))
    end
{%- endmacro %}
{% macro spark__text_to_decimal(text) %}cast({{ text }} as decimal(38, 12)){% endmacro %}

{% macro json_timestamp(column, path) %}{{ epoch_to_timestamp(json_integer(column, path)) }}{% endmacro %}
