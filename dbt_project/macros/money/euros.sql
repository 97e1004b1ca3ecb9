{#-
  What an amount in minor units is worth, to compare it with one of another currency: billionths of a tenth of a cent,
  a whole number, what is smaller dropped. `rate` is a relation with units_per_eur and the exponent of the currency;
  where it has no row, this is NULL.
-#}
{% macro worth(amount, rate) -%}
    {{ divide_whole(
        as_whole('cast(' ~ amount ~ ' as decimal(38, 9))', 9)
        ~ ' * case ' ~ rate ~ '.exponent when 0 then 1000 when 1 then 100 when 2 then 10 when 3 then 1 end * '
        ~ power_of_ten(9),
        as_whole(rate ~ '.units_per_eur', 9)
    ) }}
{%- endmacro %}
