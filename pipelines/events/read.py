"""From one file to its events with ids, and its bad lines with the reason.

Good lines are read by DuckDB as a whole (`typed`), the others line by line (`message`), so that the
result does not depend on the way: same rows, same ids, same reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.events.identify import give_ids
from pipelines.events.message import parse_incoming
from pipelines.events.typed import TypedReadError, read_typed, typed_file
from pipelines.landing.lines import register_lines, register_unreadable
from pipelines.landing.manifest import Format

EVENT_COLUMNS = (
    "line", "id", "event_id", "is_synthetic_id", "type", "event", "user_id", "anonymous_id", "event_at", "received_at",
    "properties", "context",
)  # fmt: skip
"""Of a part's events; `id` is a number made of `event_id`, `line` orders the lines of an input."""


@dataclass(frozen=True)
class Part:
    """One file as it was read; `events` and `bad` name temp relations, which `tables`, `view` and its `file` hold."""

    events: str
    bad: str
    tables: tuple[str, ...]
    view: str
    file: Path


def read_part(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    file_format: Format,
    *,
    number: int = 0,
    first_line: int = 1,
    mapping: dict[str, str],
    timezone: str,
    scratch: Path,
    typed: bool = True,
    unreadable: str | None = None,
    refused: str | None = None,
) -> Part:
    """Read the `number`th file that is held at the same time; `scratch` is a folder for what was read.

    With `unreadable` it is one bad line.

    With `refused` every line is a bad one for this reason: whoever received them saw that they are no events.

    `bad` has line, problem and text. Rows without an id are counted on from the part before
    (`identify.start_input`), so the parts of an input are read in their order.

    Raises:
        TypedReadError: try again without `typed`, in a new transaction.
    """
    whole, given, bad = f"typed_{number}", f"given_{number}", f"bad_{number}"
    part = Part(f"events_{number}", bad, (given, bad), whole, typed_file(scratch, whole))
    odd: list[int] | None = None
    if typed and unreadable is None and refused is None and file_format == "jsonl":
        odd = read_typed(connection, path, whole, mapping=mapping, timezone=timezone, scratch=scratch)
    if unreadable is not None:
        register_unreadable(connection, unreadable)
    else:
        register_lines(connection, path, file_format, first_line=first_line, only=odd)
        if odd and connection.execute("select count(*) from incoming").fetchone() != (len(odd),):
            raise TypedReadError("lines were named that the file does not have")
    if refused is not None:
        connection.execute("update incoming_lines set problem = coalesce(problem, $reason)", {"reason": refused})
    parse_incoming(connection, mapping=mapping, timezone=timezone)
    columns = ", ".join(EVENT_COLUMNS)
    without_id = "select * exclude (problem, text) from parsed where problem is null"
    with_id = ""
    if odd is not None:
        columns_of_good = f"place + {first_line} as line, false as is_synthetic_id, * exclude (place)"
        good = f"select {columns_of_good} from {whole} where is_good"
        without_id += (
            f" union all by name select * exclude (id, is_good, is_synthetic_id) from ({good}) where event_id is null"
        )
        with_id = f"select {columns} from ({good}) where event_id is not null union all "
    give_ids(connection, without_id, table=given)
    connection.execute(
        f"create or replace temp table {bad} as select line, problem, text from parsed where problem is not null"
    )
    connection.execute(f"create or replace temp view {part.events} as {with_id}select {columns} from {given}")
    return part


def forget_parts(connection: duckdb.DuckDBPyConnection, parts: list[Part]) -> None:
    """Free what the parts hold."""
    for part in parts:
        connection.execute(f"drop view if exists {part.events}")
        connection.execute(f"drop view if exists {part.view}")
        part.file.unlink(missing_ok=True)
        for table in part.tables:
            connection.execute(f"drop table if exists {table}")
