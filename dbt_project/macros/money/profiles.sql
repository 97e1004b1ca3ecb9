{#- The profile that is meant where none is named: pages about people, segments, the overview. -#}
{% macro default_profile() %}'stripe'{% endmacro %}

{#- Where no rule of any profile could make a difference, figures are computed once and stand for every profile. -#}
{% macro every_profile() %}'every'{% endmacro %}

{#- The rules of a profile, in the order in which two profiles are told apart, one cause after the other. -#}
{% macro rules_by_cause() -%}
    {{ return({
        'coupon': ['coupon_forever', 'coupon_repeating', 'coupon_once'],
        'trial': ['start_at'],
        'past_due': ['past_due_days'],
        'pause': ['pause_counts'],
        'timing': ['churn_at'],
    }) }}
{%- endmacro %}

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

{#- All rules, as a name: two sets of the same rules are one. -#}
{% macro rule_set() -%}
    concat_ws(
        ' ', 'coupons', {{ discount_rule() }}, start_at, coalesce(cast(past_due_days as varchar), 'any'), 'days',
        cast(pause_counts as varchar), churn_at
    )
{%- endmacro %}

{% macro rule_columns() -%}
    {%- for rules in rules_by_cause().values() -%}
        {{ rules | join(', ') }}{% if not loop.last %}, {% endif %}
    {%- endfor -%}
{%- endmacro %}

{#- The rules after so many causes were switched from those of `before` to those of `after`. -#}
{% macro rules_at_step(step, before, after) -%}
    {%- for rules in rules_by_cause().values() -%}
        {%- set relation = after if loop.index <= step else before -%}
        {%- set last = loop.last -%}
        {%- for rule in rules -%}
            {{ relation }}.{{ rule }}{% if not (last and loop.last) %}, {% endif %}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- What a step away from a profile is called; the profile itself has none. -#}
{% macro cause_of_step(step) -%}
    {%- if step == 0 -%} cast(null as varchar) {%- else -%} '{{ (rules_by_cause().keys() | list)[step - 1] }}' {%- endif -%}
{%- endmacro %}
