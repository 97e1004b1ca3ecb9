{#- A decimal to a whole number of minor units, ties to the even neighbour (0.5 -> 0, 1.5 -> 2, -0.5 -> 0). -#}
{% macro round_half_even(value) -%}
    cast(
        floor({{ value }}) + case
            when {{ value }} - floor({{ value }}) > 0.5 then 1
            when {{ value }} - floor({{ value }}) = 0.5 then abs(floor({{ value }}) % 2)
            else 0
        end
        as bigint
    )
{%- endmacro %}
