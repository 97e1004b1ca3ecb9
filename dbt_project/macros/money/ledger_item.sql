{#- What makes a line of the ledger: one subscription item of one customer in one currency, under one profile. -#}
{% macro ledger_item() -%}
    profile, account, customer_id, currency, subscription_id, subscription_item_id
{%- endmacro %}
