"""From a landed file to a DuckDB relation of numbered lines, each one JSON text.

JSON lines pass as they are, CSV rows become objects by their header, Parquet rows by their
columns. What a line means is not decided here.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from pipelines.landing.manifest import Format
from pipelines.landing.split import open_plain

BATCH = 200_000
_BLOCK = 1 << 20
_LINE_END = ord("\n")
_SCHEMA = pa.schema([("line", pa.int64()), ("text", pa.string()), ("problem", pa.string())])
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")

_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)
"""What reading a file says whose compression is broken or cut off."""

Line = tuple[int, str | None, str | None]
"""Line number in the input, JSON text, and why there is no text to parse."""


def count_lines(path: Path) -> int:
    """Lines of a file up to the last one that is not blank.

    Raises:
        UnreadableSegmentError: its compression is broken or cut off.
    """
    lines = behind = 0
    found = False
    block = bytearray(_BLOCK)
    view, numbers = memoryview(block), np.frombuffer(block, dtype=np.uint8)

    def ends(begin: int, end: int) -> int:
        return int(np.count_nonzero(numbers[begin:end] == _LINE_END))

    try:
        with open_plain(path) as file:
            while size := file.readinto(view):  # type: ignore[attr-defined]  # BinaryIO does not tell, every one has it.
                solid = len(block[:size].rstrip())
                if solid:
                    lines += behind + ends(0, solid)
                    behind, found = 0, True
                behind += ends(solid, size)
    except _BROKEN as problem:
        raise UnreadableSegmentError(path, type(problem).__name__) from None
    return lines + 1 if found else 0


def register_lines(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    file_format: Format,
    *,
    first_line: int = 1,
    only: Collection[int] | None = None,
) -> None:
    """Make the relation `incoming(line BIGINT, text VARCHAR, problem VARCHAR)` from one file.

    `only` are the places (from 0) of the lines to take, of a file of JSON lines.
    """
    connection.execute("create or replace temp table incoming_lines (line bigint, text varchar, problem varchar)")
    if file_format == "parquet":
        connection.execute(
            "insert into incoming_lines select row_number() over (), to_json(rows), null "
            "from read_parquet($path, hive_partitioning = false) as rows",
            {"path": str(path)},
        )
    elif only is None or only:
        read = {"csv": _csv_lines, "jsonl": _json_lines, "stripe": _json_documents}[file_format]
        lines = read(path, first_line) if only is None else _picked_lines(path, first_line, set(only))
        lines = _until_broken(lines, first_line)
        while batch := list(itertools.islice(lines, BATCH)):
            columns = [list(column) for column in zip(*batch, strict=True)]
            arrays = [pa.array(column, kind) for column, kind in zip(columns, _SCHEMA.types, strict=True)]
            landed = pa.table(arrays, schema=_SCHEMA)  # DuckDB finds it by this name.
            connection.execute("insert into incoming_lines from landed")
            del landed
    connection.execute("create or replace temp view incoming as from incoming_lines")


def register_unreadable(connection: duckdb.DuckDBPyConnection, reason: str, *, first_line: int = 1) -> None:
    """Make `incoming` of an input that can not be loaded as a whole: one bad line that says why."""
    connection.execute("create or replace temp table incoming_lines (line bigint, text varchar, problem varchar)")
    connection.execute("insert into incoming_lines values ($line, '', $reason)", {"line": first_line, "reason": reason})
    connection.execute("create or replace temp view incoming as from incoming_lines")


class UnreadableSegmentError(Exception):
    """A segment's own bytes can not be read; only raised by `reading`, never for a full disk or a bug of ours."""

    def __init__(self, path: Path, kind: str) -> None:
        # The engine's own text may quote data, so only its kind is told.
        self.path = path
        self.reason = f"the segment as a whole could not be read ({kind}); its bytes are in the landing zone"
        super().__init__(self.reason)


@contextmanager
def reading(path: Path, file_format: Format) -> Iterator[None]:
    """Around the steps that only read and parse a segment: tell a broken input from everything else.

    A broken input must not keep the others from being loaded, now and in every later run. What goes
    wrong while writing or committing is never the input's fault: it rises, and the next load tries again.
    """
    try:
        yield
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as problem:
        raise UnreadableSegmentError(path, type(problem).__name__) from None
    except duckdb.Error as problem:
        if file_format == "parquet" and not _is_parquet(path):
            raise UnreadableSegmentError(path, type(problem).__name__) from None
        raise


def _is_parquet(path: Path) -> bool:
    """Whether another reader can read every row of the file."""
    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches():
                pass
    except (pa.ArrowException, OSError):
        return False
    return True


def _until_broken(lines: Iterator[Line], first_line: int) -> Iterator[Line]:
    """What can be read of a file whose compression is broken or cut off, and one bad line for the rest."""
    number = first_line
    try:
        for line in lines:
            number = line[0] + 1
            yield line
    except _BROKEN:
        yield number, "", "from here on the file can not be decompressed"


def _json_lines(path: Path, first_line: int) -> Iterator[Line]:
    with open_plain(path) as file:
        for number, raw in enumerate(file, first_line):
            yield from _decoded(raw, number, is_first=number == first_line)


def _decoded(raw: bytes, number: int, *, is_first: bool) -> Iterator[Line]:
    if stripped := raw.removeprefix(b"\xef\xbb\xbf").strip() if is_first else raw.strip():
        try:
            yield number, stripped.decode(), None
        except UnicodeDecodeError:
            yield number, stripped.decode(errors="replace"), "not UTF-8"


def _picked_lines(path: Path, first_line: int, places: set[int]) -> Iterator[Line]:
    with open_plain(path) as file:
        for place, raw in enumerate(file):
            if place in places:
                yield from _decoded(raw, first_line + place, is_first=place == 0)


def _json_documents(path: Path, first_line: int) -> Iterator[Line]:
    """JSON lines, or one JSON document over many lines; a file that is neither is read line by line."""
    with open_plain(path) as file:
        head = file.readline()
        if not _is_json(head):
            whole = (head + file.read()).replace(b"\r", b" ").replace(b"\n", b" ")
            if _is_json(whole):
                yield first_line, whole.decode(), None
                return
    yield from _json_lines(path, first_line)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _csv_lines(path: Path, first_line: int) -> Iterator[Line]:
    with open_plain(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.reader(text)
        header = next(reader, None)
        if header is None:
            return
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                yield reader.line_num + first_line - 1, "", f"broken CSV: {problem}"
                continue
            if not row:
                continue
            number = reader.line_num + first_line - 1
            if any("\N{REPLACEMENT CHARACTER}" in cell for cell in row):
                yield number, ",".join(row), "not UTF-8"
            elif len(row) != len(header):
                yield number, ",".join(row), f"{len(row)} columns, the header has {len(header)}"
            else:
                yield number, _object(header, row), None


def _object(header: list[str], row: list[str]) -> str:
    return orjson.dumps({name: _typed(cell) for name, cell in zip(header, row, strict=True)}).decode()


def _typed(cell: str) -> object:
    # Decided per cell, never by sampling the file: a longer export of the same rows must mean the same.
    if cell == "":
        return None
    if cell in ("true", "false"):
        return cell == "true"
    if _NUMBER.fullmatch(cell):
        if "." not in cell:
            return int(cell)
        # An id like 1234567890.1618400001 is no number: as one it would become another id.
        return float(cell) if repr(float(cell)) == cell else cell
    return cell
