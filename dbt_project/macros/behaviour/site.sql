{#-
  Whether two hosts are one site: equal, one inside the other, or of one name under the top-level domain (two labels;
  three under co.uk, com.au and the like). Hosts that share the domain of a hoster (github.io) count as one too: the
  list of these is long and changes. Not for an address in numbers, whose last labels say nothing. NULL is no site.
-#}
{% macro is_same_site(host, other) -%}
    coalesce(
        {{ host }} = {{ other }}
        or right({{ host }}, length({{ other }}) + 1) = '.' || {{ other }}
        or right({{ other }}, length({{ host }}) + 1) = '.' || {{ host }}
        or {{ site_name(host) }} = {{ site_name(other) }},
        false
    )
{%- endmacro %}

{#- The last labels of a host that name a site; NULL where it has too few. -#}
{% macro site_name(host) -%}
    case
        when regexp_extract({{ host }}, '[.](co|com|org|net|gov|ac|edu)[.][a-z][a-z]$', 1) <> ''
            then nullif(
                regexp_extract({{ host }}, '([^.]+[.](?:co|com|org|net|gov|ac|edu)[.][a-z][a-z])$', 1), ''
            )
        when regexp_extract({{ host }}, '([^0-9.])', 1) <> ''
            then nullif(regexp_extract({{ host }}, '([^.]+[.][^.]+)$', 1), '')
    end
{%- endmacro %}
