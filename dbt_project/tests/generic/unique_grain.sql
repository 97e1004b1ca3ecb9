{#- The grain of a model: no two rows share these columns, and none of them is empty. -#}
{% test unique_grain(model, columns, nullable=[]) %}

select
    {{ columns | join(', ') }},
    count(*) as row_count

from {{ model }}

group by all

having
    count(*) > 1
    {%- for column in columns if column not in nullable %}
    or {{ column }} is null
    {%- endfor %}

{% endtest %}
