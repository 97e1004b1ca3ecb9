{#-
  Time is an input. Both are read when a model runs, never when it is parsed: a new moment must not cost a new parse.
  Unit tests override them.
-#}
{% macro as_of() -%}
    {%- if not execute -%}
        timestamp '2000-01-01'
    {%- else -%}
        {%- set given = var('as_of', none) or env_var('MILLSTREAM_AS_OF', '') or run_started_at.isoformat() -%}
        {{ instant(given) }}
    {%- endif -%}
{%- endmacro %}

{#- An ISO 8601 text, with or without a zone, as a naive timestamp in UTC. -#}
{% macro instant(text) -%}
    {%- set moment = modules.datetime.datetime.fromisoformat(text | string | replace('Z', '+00:00')) -%}
    {%- set moment = moment.astimezone(modules.pytz.utc) if moment.tzinfo else moment -%}
    timestamp '{{ moment.strftime('%Y-%m-%d %H:%M:%S.%f') }}'
{%- endmacro %}

{% macro reporting_timezone() -%}
    {{ env_var('MILLSTREAM_REPORTING_TIMEZONE', 'UTC') if execute else 'UTC' }}
{%- endmacro %}

{#- The calendar day, in the reporting time zone, of a naive UTC timestamp. -#}
{% macro reporting_date(column) -%}
    {%- set zone = reporting_timezone() | trim -%}
    {%- if zone == 'UTC' -%} cast({{ column }} as date)
    {%- else -%} cast({{ utc_to_zone(column, zone) }} as date)
    {%- endif -%}
{%- endmacro %}
