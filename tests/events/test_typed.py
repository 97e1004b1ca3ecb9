"""The fast way of reading gives the same rows, ids and reasons as reading line by line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines.events.identify import start_input
from pipelines.events.read import forget_parts, read_part
from pipelines.events.typed import TypedReadError, read_typed
from pipelines.warehouse import connect

MESSAGE = {"type": "track", "messageId": "m1", "userId": "u1", "event": "view", "timestamp": "2026-01-02T03:04:05Z"}
FLAT = {"user_id": "u1", "event": "login", "timestamp": "2026-01-02T03:04:05Z"}

TIMES: st.SearchStrategy[Any] = st.sampled_from(
    [
        "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456789Z", "2026-03-29 02:30:00", "2026-01-02T03:04:05+02:00",
        "2026-01-02 03:04:05 Europe/Berlin", "1500-01-01", "2026-01-02", "1767323045", 1767323045123, 1767323045.5,
        "infinity", "epoch", "9999-12-31T23:59:59-14:00", "yesterday", True, {}, "", None,
    ]
)  # fmt: skip
TEXTS = st.sampled_from(["u1", "u2", "", None, 1, 1.0, True, {"a": 1}, [1], "\x00x", "é😀", 'a"b\\c', 10**23, " "])
OBJECTS = st.sampled_from(
    [{}, {"a": 1, "b": None}, {"z": {"y": [1, {"x": None}]}, "a": 1.5}, [], "s", {"a/b": 1, "": 2}]
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("timestamp", "originalTimestamp", "receivedAt"), TIMES),
    **dict.fromkeys(("properties", "traits", "context"), OBJECTS),
    **dict.fromkeys(
        ("messageId", "event_id", "userId", "user_id", "user", "anonymousId", "event", "name", "previousId", "extra", "UserId"),
        TEXTS,
    ),
    "type": st.sampled_from(["track", "TRACK", "page", "screen", "identify", "group", "alias", "purchase", None, 5]),
}  # fmt: skip
EXTRA = st.sampled_from(sorted(FIELDS)).flatmap(lambda name: st.tuples(st.just(name), FIELDS[name]))
DOCUMENTS = st.builds(
    lambda base, number, extra: {**base, **({"messageId": f"m{number}"} if number else {}), **dict(extra)},
    st.sampled_from([MESSAGE, MESSAGE, FLAT]),
    st.integers(0, 9),
    st.lists(EXTRA, max_size=3),
)


def torn(document: dict[str, Any], way: int) -> bytes:
    """The document's line, whole or in one of the ways in which lines are broken."""
    line = json.dumps(document, ensure_ascii=way % 2 == 0).encode("utf-8", "replace")
    twice = line[:-1] + b', "event": "second", "odd": 1, "odd": 2}'
    broken = [
        twice, line[: len(line) // 2], b"\xff" + line, line.replace(b"e", b"\xfe", 1), line + line, line + b" x", b"[1]",
        b"null", b"5", b"{}", b"  " + line + b"\t", b"\x0b" + line, line.replace(b"{", b"{\n", 1), b'{"a":"\\ud800"}',
        line[:-1] + b",}", b"\x00", b"[" + line + b"]", b"", b" \r", line.replace(b": ", b" :\r"),
    ]  # fmt: skip
    return broken[way - 20] if 20 <= way < 20 + len(broken) else line


LINES = st.lists(st.builds(torn, DOCUMENTS, st.integers(0, 45)), max_size=12)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as opened:
        yield opened


def read(connection: duckdb.DuckDBPyConnection, path: Path, *, typed: bool, **given: Any) -> tuple[Any, Any]:
    """Events in the order of their lines, and bad lines with number, reason and text; in a transaction, as a load."""
    connection.execute("begin")
    try:
        start_input(connection)
        part = read_part(connection, path, "jsonl", typed=typed, scratch=path.parent, **given)
        events = connection.sql(f"from {part.events} order by line").fetchall()
        bad = connection.sql(f"from {part.bad} order by line").fetchall()
        forget_parts(connection, [part])
    finally:
        connection.execute("rollback")
    return events, bad


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=LINES,
    mapping=st.sampled_from([{}, {}, {"user_id": "extra"}, {"event": "name"}, {"user_id": "Extra"}, {"type": "kind"}]),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
    first_line=st.sampled_from([1, 1000]),
    mark=st.booleans(),
)
def test_both_ways_of_reading_agree(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    lines: list[bytes],
    mark: bool,
    **given: Any,
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes((b"\xef\xbb\xbf" if mark else b"") + b"\n".join(lines))
    one_by_one = read(connection, path, typed=False, **given)
    try:
        together = read(connection, path, typed=True, **given)
    except TypedReadError:  # The caller then reads line by line.
        return
    assert together == one_by_one


@pytest.mark.parametrize("document", [MESSAGE, FLAT, {**FLAT, "colour": "red", "nothing": None}])
@pytest.mark.parametrize("within", ["a transaction", "none"])
def test_good_lines_are_read_together_and_odd_ones_named_by_place(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, document: dict[str, Any], within: str
) -> None:
    path = tmp_path / "a.jsonl"
    good = json.dumps(document).encode()
    path.write_bytes(b"\n".join([good, b"torn {", good, good, good, b"\xff", good, good]))
    if within == "a transaction":
        connection.execute("begin")
    assert read_typed(connection, path, "typed_0", mapping={}, timezone="UTC", scratch=tmp_path) == [1, 5]
    if within == "a transaction":
        connection.execute("rollback")
    assert read(connection, path, typed=True, mapping={}, timezone="UTC") == read(
        connection, path, typed=False, mapping={}, timezone="UTC"
    )


def test_a_file_cut_off_inside_its_compression_is_not_read_together(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """The engine may take what it could unpack for the whole."""
    path = tmp_path / "a.jsonl.gz"
    packed = gzip.compress(json.dumps(MESSAGE).encode())
    for cut in range(12, len(packed), 9):
        path.write_bytes(packed[:cut])
        try:
            assert read_typed(connection, path, "typed_0", mapping={}, timezone="UTC", scratch=tmp_path) is None
        except TypedReadError:
            continue
