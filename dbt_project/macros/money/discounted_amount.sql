{#-
  One discount taken off one item's amount per period. Percent: a product, exact. Amount off: the item's share of its
  base, floored at 0; alone in its base an item takes the whole amount without a division.
-#}
{% macro discounted_amount() -%}
    cast(case
        when not is_eligible then amount_minor
        when percent_off is not null then amount_minor * (100 - percent_off) * cast(0.01 as decimal(3, 2))
        when not coalesce(is_in_base, false) or base_minor <= 0 then amount_minor
        when amount_off_minor >= base_minor then 0
        when amount_minor = base_minor then amount_minor - amount_off_minor
        else greatest(
            amount_minor - cast(
                cast(amount_off_minor as decimal(18, 0))
                * {{ exact_ratio(as_whole('amount_minor', 9), as_whole('base_minor', 9), 18) }} as decimal(38, 12)
            ), 0
        )
    end as decimal(38, 12))
{%- endmacro %}
