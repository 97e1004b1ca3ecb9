{#- Timestamps are naive and mean UTC. -#}
{% macro epoch_to_timestamp(seconds) %}{{ adapter.dispatch('epoch_to_timestamp', 'millstream')(seconds) }}{% endmacro %}
{% macro default__epoch_to_timestamp(seconds) %}epoch_ms({{ seconds }} * 1000){% endmacro %}
{% macro spark__epoch_to_timestamp(seconds) %}timestamp_seconds({{ seconds }}){% endmacro %}

{% macro utc_to_zone(column, zone) %}{{ adapter.dispatch('utc_to_zone', 'millstream')(column, zone) }}{% endmacro %}
{% macro default__utc_to_zone(column, zone) %}timezone('{{ zone }}', timezone('UTC', {{ column }})){% endmacro %}
{% macro spark__utc_to_zone(column, zone) %}from_utc_timestamp({{ column }}, '{{ zone }}'){% endmacro %}

{#- One row per day, both ends included. -#}
{% macro day_spine(first, last) %}{{ adapter.dispatch('day_spine', 'millstream')(first, last) }}{% endmacro %}
{% macro default__day_spine(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date)
{%- endmacro %}
{% macro spark__day_spine(first, last) %}explode(sequence({{ first }}, {{ last }}, interval 1 day)){% endmacro %}

{% macro seconds_between(first, last) %}{{ adapter.dispatch('seconds_between', 'millstream')(first, last) }}{% endmacro %}
{% macro default__seconds_between(first, last) %}date_diff('second', {{ first }}, {{ last }}){% endmacro %}
{% macro spark__seconds_between(first, last) %}timestampdiff(second, {{ first }}, {{ last }}){% endmacro %}

{#- The moment one billing period before: interval is day, week, month or year. -#}
{% macro minus_intervals(column, interval, count) -%}
    {{ adapter.dispatch('minus_intervals', 'millstream')(column, interval, count) }}
{%- endmacro %}
{% macro default__minus_intervals(column, interval, count) -%}
    case {{ interval }}
        when 'day' then {{ column }} - to_days(cast({{ count }} as integer))
        when 'week' then {{ column }} - to_days(cast(7 * {{ count }} as integer))
        when 'month' then {{ column }} - to_months(cast({{ count }} as integer))
        when 'year' then {{ column }} - to_months(cast(12 * {{ count }} as integer))
    end
{%- endmacro %}

{#- Days of 24 hours that are over between two moments. -#}
{% macro whole_days_between(first, last) -%}
    cast(floor({{ seconds_between(first, last) }} / 86400) as bigint)
{%- endmacro %}
