{#-
  Which coupons lower MRR: `forever` those that never end (profile stripe), `all_active` all while they hold,
  `none` none at all. Read when a model runs, never when it is parsed: another rule must not cost a new parse.
-#}
{% macro discount_rule() -%}
    {%- set rule = env_var('MILLSTREAM_DISCOUNT_RULE', 'forever') if execute else 'forever' -%}
    {%- if rule not in ['forever', 'all_active', 'none'] -%}
        {{ exceptions.raise_compiler_error('MILLSTREAM_DISCOUNT_RULE is forever, all_active or none, not ' ~ rule) }}
    {%- endif -%}
    {{ rule }}
{%- endmacro %}

{% macro is_discount_counted(duration) -%}
    {%- set rule = discount_rule() | trim -%}
    {%- if rule == 'forever' -%} ({{ duration }} = 'forever')
    {%- else -%} {{ 'true' if rule == 'all_active' else 'false' }}
    {%- endif -%}
{%- endmacro %}

{#- The name that figures carry: the profile, and the rule where it is not the profile's own. -#}
{% macro profile_name() -%}
    {%- set rule = discount_rule() | trim -%}
    stripe{{ '' if rule == 'forever' else ':' ~ rule }}
{%- endmacro %}
