{#-
  Tables and views that are replaced in one step. dbt's own way builds beside, renames twice and drops, which readers of
  a shared database need; nobody reads this one but its writer (readers have snapshots), and DuckDB replaces a table
  within a transaction. With a hundred small models the renames were an eighth of a build. No hooks, grants or comments
  are carried out: the project has none.
-#}
{% materialization view, adapter='duckdb' -%}
    {%- set wanted = this.incorporate(type='view') -%}
    {%- do clear_place_of(wanted, load_cached_relation(this)) -%}
    {% call statement('main') -%}
        create or replace view {{ wanted }} as ({{ sql }})
    {%- endcall %}
    {%- do adapter.commit() -%}
    {{ return({'relations': [wanted]}) }}
{%- endmaterialization %}

{% materialization table, adapter='duckdb' -%}
    {%- set wanted = this.incorporate(type='table') -%}
    {%- do clear_place_of(wanted, load_cached_relation(this)) -%}
    {% call statement('main') -%}
        drop table if exists {{ wanted }};
        {{ create_table_as(False, wanted, sql) }}
    {%- endcall %}
    {%- do adapter.commit() -%}
    {{ return({'relations': [wanted]}) }}
{%- endmaterialization %}

{#- A view stands where a table shall be, or the other way round: a model changed its kind. -#}
{% macro clear_place_of(wanted, existing) -%}
    {%- if existing is not none and existing.type != wanted.type -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
{%- endmacro %}
