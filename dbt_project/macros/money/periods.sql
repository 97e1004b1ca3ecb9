{#-
  A billing period in 365ths of a month, a whole number: month 365, year 4380, week 84, day 12 (times its count).
  So a month's worth of an amount is amount * 365 / period_units, exact: week = 365/84 months, day = 365/12.
-#}
{% macro period_units(interval, count) -%}
    (case {{ interval }} when 'day' then 12 when 'week' then 84 when 'month' then 365 when 'year' then 4380 end * {{ count }})
{%- endmacro %}

{#- Minor units per month, decimal(38, 9), of an amount per billing period. -#}
{% macro monthly(amount, units) %}{{ exact_quotient('((' ~ amount ~ ') * 365)', units) }}{% endmacro %}

{#- What is left when a tax that stands inside the amount is taken out; the share is that of an invoice line. -#}
{% macro net_of_inclusive_tax(amount, gross, tax) -%}
    case
        when {{ tax }} > 0 and {{ gross }} > {{ tax }}
            then {{ exact_quotient('(' ~ amount ~ ' * (' ~ gross ~ ' - ' ~ tax ~ '))', gross) }}
        else {{ amount }}
    end
{%- endmacro %}

{#- A regular line always says what its item costs; of prorations only the debit does. -#}
{% macro is_said_by_line() %}(not is_proration or gross_minor >= 0){% endmacro %}
