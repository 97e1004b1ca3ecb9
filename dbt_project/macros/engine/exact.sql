{#-
  Exact money arithmetic. `/` on decimals gives a DOUBLE, so a quotient is taken on whole numbers and the remainder
  decides the last digit (half to even). Every argument here is at least 0.
-#}
{% macro divide_whole(a, b) %}{{ adapter.dispatch('divide_whole', 'millstream')(a, b) }}{% endmacro %}
{% macro default__divide_whole(a, b) %}(({{ a }}) // nullif({{ b }}, 0)){% endmacro %}
{% macro spark__divide_whole(a, b) %}(({{ a }}) div ({{ b }})){% endmacro %}

{% macro whole_number() %}{{ adapter.dispatch('whole_number', 'millstream')() }}{% endmacro %}
{% macro default__whole_number() %}hugeint{% endmacro %}
{% macro spark__whole_number() %}decimal(38, 0){% endmacro %}

{% macro power_of_ten(places) %}cast(1{{ '0' * places }} as {{ whole_number() }}){% endmacro %}

{#- A decimal times 10^places; further places are dropped. In two parts, so that the scale does not overflow. -#}
{% macro as_whole(value, places) -%}
    (cast(floor({{ value }}) as {{ whole_number() }}) * {{ power_of_ten(places) }}
    + cast(floor(({{ value }} - floor({{ value }})) * {{ power_of_ten(places) }}) as {{ whole_number() }}))
{%- endmacro %}

{% macro divide_half_even(a, b) -%}
    ({{ divide_whole(a, b) }} + case
        when 2 * (({{ a }}) % ({{ b }})) > ({{ b }}) then 1
        when 2 * (({{ a }}) % ({{ b }})) = ({{ b }}) then {{ divide_whole(a, b) }} % 2
        else 0
    end)
{%- endmacro %}

{#- a / b of two whole numbers, as decimal(38, places). -#}
{% macro exact_ratio(a, b, places=9) -%}
    cast(
        {{ divide_half_even('cast(' ~ a ~ ' as ' ~ whole_number() ~ ') * ' ~ power_of_ten(places), b) }}
        * cast(0.{{ '0' * (places - 1) }}1 as decimal({{ places + 1 }}, {{ places }}))
        as decimal(38, {{ places }})
    )
{%- endmacro %}

{#- a / b of a decimal with up to 12 places and a whole number, as decimal(38, 9). -#}
{% macro exact_quotient(a, b) -%}
    cast(
        {{ divide_half_even(as_whole(a, 12), '(' ~ b ~ ') * 1000') }} * cast(0.000000001 as decimal(10, 9))
        as decimal(38, 9)
    )
{%- endmacro %}
