{#-
  Wrap a select from `relation` that takes many values out of one JSON column. DuckDB parses the whole document again
  for each of them: thirty values of an invoice take thirty times as long as one. So the paths in the wrapped text are
  gathered and taken in one pass; the text itself stays as anybody would write it. A path with a * gives a list: DuckDB
  takes no such path together with others, so it stays where it is. Calls for several columns may stand in each other.
-#}
{% macro parsed_once(column, relation) -%}
    {%- set body = caller() -%}
    {%- if not execute or target.type != 'duckdb' -%}
        {{ body }}
    {%- else -%}
        {%- set found = namespace(body=body, lists=[]) -%}
        {%- for function in ['json_extract_string', 'json_extract'] -%}
            {%- set call = function ~ '\\(' ~ column ~ ", ('\\$[^'*]*')\\)" -%}
            {%- set paths = modules.re.findall(call, found.body) | unique | list -%}
            {%- for path in paths -%}
                {%- set exactly = function ~ '(' ~ column ~ ', ' ~ path ~ ')' -%}
                {%- set found.body = found.body | replace(exactly, 'found_in_' ~ column ~ '_by_' ~ function ~ '[' ~ loop.index ~ ']') -%}
            {%- endfor -%}
            {%- if paths -%}
                {%- do found.lists.append(function ~ '(' ~ column ~ ', [' ~ paths | join(', ') ~ ']) as found_in_' ~ column ~ '_by_' ~ function) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set wrapped = 'from (select *, ' ~ found.lists | join(', ') ~ ' from ' ~ relation ~ ') as ' ~ relation -%}
        {{ modules.re.sub('from ' ~ relation ~ '\\b', wrapped, found.body) }}
    {%- endif -%}
{%- endmacro %}
