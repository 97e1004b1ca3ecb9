{#-
  The channel that brought a visit. The medium of a campaign speaks first (Google Analytics' names and those in common
  use), then its source, then the site that linked here. A campaign that none of them explains is `other`.
-#}
{% macro channel_of(source, medium, host, has_click_id) -%}
    case
        when {{ medium }} in ('email', 'e-mail', 'e_mail', 'e mail', 'newsletter') then 'email'
        when
            {{ medium }} in (
                'cpc', 'ppc', 'cpm', 'cpv', 'cpa', 'paid', 'paidsearch', 'paid-search', 'paid_search', 'paid search',
                'sem', 'paidsocial', 'paid-social', 'paid_social', 'paid social', 'display', 'banner', 'retargeting',
                'remarketing'
            )
            or {{ has_click_id }}
            then 'paid'
        when
            {{ medium }} in ('social', 'social-network', 'social-media', 'social_network', 'social_media', 'sm')
            then 'social'
        when {{ medium }} = 'organic' then 'organic search'
        when {{ medium }} in ('referral', 'affiliate', 'partner', 'link') then 'referral'
        when {{ source }} in ('email', 'e-mail', 'newsletter') then 'email'
        when {{ is_site_of(host, mail_sites()) }} then 'email'
        when {{ is_site_of(host, social_sites()) }} or {{ source }} in ({{ quoted(social_sites()) }}) then 'social'
        when {{ is_site_of(host, search_sites()) }} or {{ source }} in ({{ quoted(search_sites()) }})
            then 'organic search'
        when {{ host }} is not null then 'referral'
        when {{ source }} is not null or {{ medium }} is not null then 'other'
        else 'direct'
    end
{%- endmacro %}

{#- Sites by the label before their top-level domain, so google.com, google.co.jp and news.google.de are all google. -#}
{% macro search_sites() -%}
    {{ return(['google', 'bing', 'duckduckgo', 'yahoo', 'ecosia', 'baidu', 'yandex', 'startpage', 'qwant', 'naver']) }}
{%- endmacro %}

{% macro social_sites() -%}
    {{ return([
        'linkedin', 'lnkd', 'facebook', 'instagram', 'twitter', 't', 'x', 'youtube', 'reddit', 'pinterest', 'tiktok',
        'threads', 'bsky', 'mastodon', 'ycombinator'
    ]) }}
{%- endmacro %}

{% macro mail_sites() -%}{{ return(['mail.google', 'outlook.live', 'mail.yahoo']) }}{%- endmacro %}

{#- NULL (nothing known) counts as no. -#}
{% macro is_site_of(host, sites) -%}
    coalesce(regexp_extract('.' || {{ host }}, '[.]({{ sites | join('|') | replace('.', '[.]') }})[.][a-z]{2,3}([.][a-z]{2})?$', 1), '') <> ''
{%- endmacro %}

{% macro quoted(words) %}'{{ words | join("', '") }}'{% endmacro %}
