{#- Parts of a URL, NULL where it has none; a bare path is its own path. No backslashes: engines read them differently. -#}
{% macro url_host(url) -%}
    nullif(
        regexp_extract(lower({{ url }}), '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?(?:www[.])?([^/:?#]+)', 1), ''
    )
{%- endmacro %}

{% macro url_path(url) -%}
    nullif(regexp_extract({{ url }}, '^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?(/[^?#]*)', 1), '')
{%- endmacro %}

{#- The decoded value of a parameter in the query. -#}
{% macro url_parameter(url, name) -%}
    nullif(trim(url_decode(replace(regexp_extract({{ url }}, '[?&]{{ name }}=([^&#]*)', 1), '+', ' '))), '')
{%- endmacro %}
