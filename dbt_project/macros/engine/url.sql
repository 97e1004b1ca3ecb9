{#- Parts of a URL, NULL where it has none; a bare path is its own path. No backslashes: engines read them differently. -#}
{% macro url_host(url) -%}
    nullif(
        regexp_extract(lower({{ url }}), '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?(?:www[.])?([^/:?#]+)', 1), ''
    )
{%- endmacro %}

{% macro url_path(url) -%}
    nullif(regexp_extract({{ url }}, '^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?(/[^?#]*)', 1), '')
{%- endmacro %}

{#- A text with its %xx decoded; one whose bytes are no UTF-8 (an old form's %E9) stays as it was sent. -#}
{% macro url_decoded(text) %}{{ adapter.dispatch('url_decoded', 'millstream')(text) }}{% endmacro %}
{% macro default__url_decoded(text) %}coalesce(try(url_decode({{ text }})), {{ text }}){% endmacro %}
{% macro spark__url_decoded(text) %}coalesce(try_url_decode({{ text }}), {{ text }}){% endmacro %}

{#- The decoded value of a parameter in the query. -#}
{% macro url_parameter(url, name) -%}
    {%- set sent = "replace(regexp_extract(" ~ url ~ ", '[?&]" ~ name ~ "=([^&#]*)', 1), '+', ' ')" -%}
    nullif(trim({{ url_decoded(sent) }}), '')
{%- endmacro %}
