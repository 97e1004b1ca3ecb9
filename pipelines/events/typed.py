"""The fast way for lines that explain themselves: DuckDB reads the fields straight out of the file.

What a line means is `message.meaning`, the same SQL as for a line that was read one by one; only
how the fields come out of the JSON differs. A file of messages is read as typed columns in one pass;
one of flat lines as documents, because their unknown keys count. Whatever is not plainly a good row
(no JSON, no object, a bad time, nobody, not UTF-8) is only named by its place, and the caller
reads these lines one by one: that way tells the reason and stays the reference.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import orjson

from pipelines.events.message import REST, TYPES, field_keys, flat_keys, meaning, times_in
from pipelines.landing.lines import UnreadableSegmentError, count_lines
from pipelines.landing.split import open_plain

_TOO_ODD = 0.3
"""Above this part of odd lines, reading a file twice is no gain."""

_TEXTS = ("name", "previousId", "groupId")
_DOCUMENTS = ("properties", "traits", "context")


class TypedReadError(Exception):
    """The file can not be read as a whole; line by line it may give something."""


def read_typed(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    view: str,
    *,
    mapping: dict[str, str],
    timezone: str,
    scratch: Path,
) -> list[int] | None:
    """Create the temp view `view` with a row for each line that is not blank, in the file's order.

    Columns: place (the line's, from 0), is_good, id (a number made of event_id), event_id, type, event,
    user_id, anonymous_id, context, event_at, received_at, properties. Returns the places of the lines that
    are to be read one by one, or None, and no view, where this way can not be taken or does not pay.

    What was read lies in a file of the folder `scratch` (`typed_file`), which the caller removes: a table made
    and dropped within a transaction keeps its memory until the transaction ends.

    Raises:
        TypedReadError: DuckDB could not read the file; the transaction is lost.
    """
    keys = field_keys(mapping)
    columns = _columns(keys)
    if columns is None:
        return None
    flat = not _begins_with_a_message(path, keys["type"])
    source = _documents(keys) if flat else _messages(keys)
    bound: dict[str, object] = {"path": str(path), "types": list(TYPES)}
    bound |= {"flat_keys": flat_keys(mapping), "structure": orjson.dumps(columns).decode()} if flat else {}
    bound |= {} if flat else {"columns": columns}
    file = typed_file(scratch, view)
    try:
        with times_in(connection, timezone):
            connection.execute(
                f"copy ({source}) to $file (format parquet, compression lz4)", bound | {"file": str(file)}
            )
    except duckdb.Error as problem:
        raise TypedReadError(type(problem).__name__) from problem
    name = str(file).replace("'", "''")
    connection.execute(f"create or replace temp view {view} as {_VIEW.format(file=name)}")
    row = connection.execute(f"select count(*), count(*) filter (not is_good) from {view}").fetchone()
    assert row is not None
    rows, odd = row
    # A place is a line only where no blank one was passed over, and the engine has been seen to drop a line.
    if rows != _lines(path) or odd > rows * _TOO_ODD:
        connection.execute(f"drop view {view}")
        file.unlink()
        return None
    found = connection.execute(f"select place from {view} where not is_good order by all")
    return [int(place) for (place,) in found.fetchall()]


def typed_file(scratch: Path, view: str) -> Path:
    """Where the rows of a view lie while it is needed."""
    return scratch / f"{view}.parquet"


def _lines(path: Path) -> int | None:
    try:
        return count_lines(path)
    except UnreadableSegmentError:
        return None


def _columns(keys: dict[str, tuple[str, ...]]) -> dict[str, str] | None:
    """The keys to read with their types; None where two could not stand beside each other as columns."""
    texts = dict.fromkeys([*(name for names in keys.values() for name in names), *_TEXTS], "VARCHAR")
    columns = texts | dict.fromkeys(_DOCUMENTS, "JSON")
    names = {name.lower() for name in columns}
    return columns if "" not in names and len(names) == len(texts) + len(_DOCUMENTS) else None


def _begins_with_a_message(path: Path, keys: tuple[str, ...]) -> bool:
    """Whether the first line is one; it only decides which way is tried."""
    try:
        with open_plain(path) as file:
            first = orjson.loads(file.readline(1 << 20).removeprefix(b"\xef\xbb\xbf"))
    except (orjson.JSONDecodeError, OSError, EOFError):
        return True
    return isinstance(first, dict) and any(str(first.get(key, "")).lower() in TYPES for key in keys)


def _fields(keys: dict[str, tuple[str, ...]], column: str) -> str:
    """SQL: the fields out of columns (or parts of a struct), each by the first key with something in it."""

    def part(name: str) -> str:
        return column.format('"' + name.replace('"', '""') + '"')

    def first(field: str) -> str:
        return f"coalesce({', '.join(f'''nullif({part(name)}, '')''' for name in keys[field])})"

    return f"""
        {first("event_id")} as event_id, {first("user_id")} as user_id, {first("anonymous_id")} as anonymous_id,
        {first("event")} as event_name, {first("timestamp")} as time_text, {first("received_at")} as received_at,
        lower({first("type")}) as type_name,
        coalesce(list_contains($types, lower({first("type")})), false) as is_message,
        {part("name")} as page_name, {part("previousId")} as previous_id, {part("groupId")} as group_id,
        {part("properties")} as own_properties,
        {part("traits")} as traits, {part("context")} as own_context, null::varchar as problem
    """


# Parquet has no whole numbers of 128 bits.
_RESULT = """
select
    {is_good} and problem is null as is_good,
    (md5_number(event_id) >> 64)::ubigint as id_above,
    (md5_number(event_id) & (~0::ubigint)::uhugeint)::ubigint as id_below,
    event_id, type, event, user_id, anonymous_id, context, event_at, received_at, properties
from ({rows})
"""
_VIEW = """
select
    * exclude (id_above, id_below, file_row_number), file_row_number as place,
    (id_above::uhugeint << 64) | id_below::uhugeint as id
from read_parquet('{file}', file_row_number = true)
"""


def _messages(keys: dict[str, tuple[str, ...]]) -> str:
    fields = f"""(select {_fields(keys, "{}")} from read_json(
        $path, format = 'newline_delimited', records = 'true', auto_detect = false,
        ignore_errors = true, columns = $columns))"""
    return _RESULT.format(is_good="is_message", rows=meaning(fields, keep="is_message", flat_properties="null::json"))


def _documents(keys: dict[str, tuple[str, ...]]) -> str:
    fields = f"""(
        select document, {_fields(keys, "told.{}")} from (
            select json as document, json_transform(json, $structure) as told
            from read_ndjson_objects($path, format = 'newline_delimited', ignore_errors = true)
        ))"""
    unknown = f"""case when list_has_all($flat_keys, json_keys(document)) then own_properties
        else json_merge_patch(own_properties, ({REST})::json) end"""
    return _RESULT.format(
        is_good="document is not null", rows=meaning(fields, keep="document", flat_properties=unknown)
    )
