{#-
  Whether a raw row is of the mode that figures are about: live as soon as there are live data, else test. A row whose
  mode nobody said (an old dump) belongs to both. The tables are named without `source`: what is asked is no input of
  the model, and a unit test need not make it up.
-#}
{% macro is_of_mode() -%}
    {%- set mode = env_var('MILLSTREAM_STRIPE_MODE', 'auto') if execute else 'auto' -%}
    {%- if mode not in ['auto', 'live', 'test'] -%}
        {{ exceptions.raise_compiler_error('MILLSTREAM_STRIPE_MODE is auto, live or test, not ' ~ mode) }}
    {%- endif -%}
    {%- if mode == 'auto' -%} coalesce(livemode = {{ has_live_data() }}, true)
    {%- else -%} coalesce(livemode = {{ 'true' if mode == 'live' else 'false' }}, true)
    {%- endif -%}
{%- endmacro %}

{#- By the kinds that make revenue: a stray object of another kind must not hide a whole test account. -#}
{% macro has_live_data() -%}
    (select count(*) > 0 from (
        {%- for table in ['customers', 'subscriptions', 'invoices', 'charges'] %}
        select livemode from raw_stripe.{{ table }} where livemode
        {%- if not loop.last %} union all {%- endif %}
        {%- endfor %}
    ) as live)
{%- endmacro %}
