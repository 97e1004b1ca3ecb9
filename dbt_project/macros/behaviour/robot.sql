{#-
  Whether a program and no person sends this user agent: it names itself so, or it is a library or a browser without a
  window. Words from the lists of crawlers that their operators publish; who hides is not found. Cubot makes phones.
-#}
{% macro is_robot(agent) -%}
    coalesce(
        regexp_extract(
            replace(lower({{ agent }}), 'cubot', ''),
            '(bot[^a-z]|bot$|crawl|spider|slurp|facebookexternalhit|mediapartners|headless|phantomjs|lighthouse|pingdom'
            || '|uptime|monitor|preview|validator|feedfetcher|feedburner|scrapy|archiver|^curl/|^wget/|^python-|^java/'
            || '|^go-http-client|^okhttp|^libwww|lwp::|nutch|http_request|^ruby|^php/|^axios/'
            || '|^node-fetch)',
            1
        ) <> '',
        false
    )
{%- endmacro %}
