"""An id for every row: its own, or one from its canonical content.

A line without an id gets one from what it says and its ordinal among identical lines of the same
input, so identical lines are kept, and loading the file again, or a longer export of it, adds only
what is new. Canonical is the mapped row: UTC microseconds, the keys of `properties` and `context`
sorted, nulls dropped; the order of keys inside nested objects stays as it came.
"""

from __future__ import annotations

import duckdb


def start_input(connection: duckdb.DuckDBPyConnection) -> None:
    """Forget the counts of identical lines: a new input begins."""
    connection.execute("create or replace temp table content_seen (content varchar, seen bigint)")


def give_ids(connection: duckdb.DuckDBPyConnection, rows: str, *, table: str) -> None:
    """Create the temp table `table` from the query `rows`: the row, `event_id`, `is_synthetic_id` and `id`.

    `id` is the event id as a number, by which ids are compared.
    """
    connection.execute(f"create or replace temp table {table} as {_IDENTIFY.format(rows=rows)}")
    connection.execute(
        f"insert into content_seen select content, count(*) from {table} where content is not null group by content"
    )


def _sorted(name: str) -> str:
    pointer = "'/' || replace(replace(key, '~', '~0'), '/', '~1')"
    return f"""coalesce(array_to_string(list_transform(
        list_filter(list_sort(json_keys({name})), lambda key: json_type({name}, {pointer}) <> 'NULL'),
        lambda key: to_json(key) || ':' || json_extract({name}, {pointer})), ','), '')"""


_IDENTIFY = f"""
with canonical as (
    select
        *,
        case when event_id is null then sha256(to_json([
            coalesce(user_id, ''), coalesce(anonymous_id, ''), type, event, epoch_us(event_at)::varchar,
            {_sorted("properties")}, {_sorted("context")}
        ])) end as content
    from ({{rows}})
),
numbered as (
    select *, row_number() over (partition by content order by line) as ordinal from canonical
)
select
    numbered.* exclude (event_id, ordinal),
    coalesce(event_id, 'auto_' || numbered.content[:32] || '_' || (ordinal + coalesce(earlier.seen, 0))) as event_id,
    md5_number(coalesce(
        event_id, 'auto_' || numbered.content[:32] || '_' || (ordinal + coalesce(earlier.seen, 0))
    )) as id,
    event_id is null as is_synthetic_id
from numbered
left join (select content, sum(seen) as seen from content_seen group by content) as earlier
    on numbered.content = earlier.content
"""
