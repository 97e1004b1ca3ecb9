{#-
  Tables that are kept from build to build, of which a build makes anew only what was touched since the last one
  (pipelines/transform/touched.py decides that, and lists it in intermediate.touched_*). `kept_by` says whose rows go
  together: those of a subscription, a customer, or of the objects of some kinds. All rows of a touched one are deleted
  and made again in one transaction, so a second run gives the same rows.

  A build that is not told otherwise makes them whole.
-#}
{% materialization kept, adapter='duckdb' -%}
    {%- set wanted = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if not is_narrowed() -%}
        {%- do clear_place_of(wanted, existing) -%}
        {% call statement('main') -%}
            drop table if exists {{ wanted }};
            {{ create_table_as(False, wanted, sql) }}
        {%- endcall %}
    {%- elif existing is none -%}
        {{ exceptions.raise_compiler_error(this ~ ' is gone: run again, and it will be made whole') }}
    {%- else -%}
        {% call statement('main') -%}
            delete from {{ wanted }} where {{ is_in_touched(
                config.require('kept_by'), config.get('kept_key'), config.get('kept_objects', [])
            ) }};
            insert into {{ wanted }} by name {{ sql }}
        {%- endcall %}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [wanted]}) }}
{%- endmaterialization %}

{#- Whether this build makes only what was touched. -#}
{% macro is_narrowed() -%}
    {{ return(execute and env_var('MILLSTREAM_LEDGER', '') == 'touched') }}
{%- endmacro %}

{#- Of a table that is kept, the rows of the touched subscriptions or customers; in a whole build, the table. -#}
{% macro touched(name, by, key=none) -%}
    {%- if is_narrowed() -%} (select * from {{ ref(name) }} where {{ is_in_touched(by, key) }})
    {%- else -%} {{ ref(name) }}
    {%- endif -%}
{%- endmacro %}

{#-
  Of a raw table, the rows of the touched objects of these kinds; `key` is the column with their id. In a select of its
  own: beside other conditions it would come last, and every payload would be read before it.
-#}
{% macro touched_rows(relation, kinds, key='id') -%}
    {%- if is_narrowed() -%} (select * from {{ relation }} where {{ is_in_touched('object', key, kinds) }}) as rows_of_touched
    {%- else -%} {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#- Of all versions, those that the models of touched objects need. -#}
{% macro touched_versions(relation) -%}
    {%- if is_narrowed() -%}
        (
            select * from {{ relation }} where sequence in (select sequence from intermediate.touched_versions)
        ) as versions_of_touched
    {%- else -%} {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#- The lists are named without `ref`: what is asked is no input of the model, and a unit test need not make it up. -#}
{% macro is_in_touched(by, key=none, kinds=[]) -%}
    {%- set of = {
        'subscription': ('subscription_id', 'select account, subscription_id from intermediate.touched_subscriptions'),
        'customer': ('customer_id', 'select account, customer_id from intermediate.touched_customers'),
        'object': (
            none,
            "select account, id from intermediate.touched_objects where object in ('" ~ kinds | join("', '") ~ "')"
        ),
    }[by] -%}
    (account, coalesce({{ key or of[0] }}, '')) in ({{ of[1] }})
{%- endmacro %}

{#- Whoever runs dbt by hand may run other models: the next build makes what is kept whole. -#}
{% macro forget_what_is_kept() -%}
    {%- if execute and not env_var('MILLSTREAM_LEDGER', '') -%} drop table if exists intermediate.ledger_kept {%- endif -%}
{%- endmacro %}
