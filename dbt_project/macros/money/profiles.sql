{#- The profile that is meant where none is named: pages about people, segments, the overview. -#}
{% macro default_profile() %}'stripe'{% endmacro %}

{#- Where no rule of any profile could make a difference, figures are computed once and stand for every profile. -#}
{% macro every_profile() %}'every'{% endmacro %}

{#- Whether a coupon of this duration lowers MRR; `rules` is a relation with the rules. A duration that is not known
    counts where all do. -#}
{% macro is_coupon_counted(duration, rules) -%}
    case {{ duration }}
        when 'forever' then {{ rules }}.coupon_forever
        when 'repeating' then {{ rules }}.coupon_repeating
        when 'once' then {{ rules }}.coupon_once
        else {{ rules }}.coupon_forever and {{ rules }}.coupon_repeating and {{ rules }}.coupon_once
    end
{%- endmacro %}

{#- The coupons that count, as a name. -#}
{% macro discount_rule() -%}
    concat_ws(
        '+', case when coupon_forever then 'forever' end, case when coupon_repeating then 'repeating' end,
        case when coupon_once then 'once' end
    )
{%- endmacro %}
