{#- The person key of somebody known by address alone: the key that consents use too, so no address stands in a key. -#}
{% macro person_of_email(column) %}'email_' || {{ sha256_hex(column) }}{% endmacro %}
