"""The manifest: one JSON line per sealed segment, appended under a lock and brought to disk.

A line that a crash tore is cut off before the next one is written; the segment it spoke of lies
there under its content's name and is listed again when the same input comes again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

Format = Literal["jsonl", "csv", "parquet", "stripe"]
Source = Literal["events", "stripe", "email", "rates"]


class Segment(BaseModel):
    """One sealed file of the landing zone."""

    model_config = ConfigDict(frozen=True)

    path: str
    """Relative to the landing folder."""
    sha256: str
    source: Source
    format: Format
    input_id: str
    """Which input (content and options) the segment is a part of; the parts share it."""
    input_name: str
    """The file's base name, for messages and the quarantine."""
    part: int
    first_line: int
    received_at: AwareDatetime
    options: dict[str, str]


def read_segments(path: Path) -> list[Segment]:
    """Every listed segment in the order of its arrival; a torn last line is no entry."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = content[: content.rfind(b"\n") + 1]
    return [Segment.model_validate_json(line) for line in whole.splitlines()]


def append_segments(path: Path, segments: list[Segment]) -> None:
    """List segments; when this returns, the entries are on disk."""
    with path.open("ab") as file:
        torn = _torn_tail(path)
        if torn:
            file.truncate(path.stat().st_size - torn)
        file.write(b"".join(segment.model_dump_json().encode() + b"\n" for segment in segments))
        file.flush()
        os.fsync(file.fileno())


def _torn_tail(path: Path) -> int:
    content = path.read_bytes()
    return len(content) - (content.rfind(b"\n") + 1)


@contextmanager
def manifest_lock(path: Path) -> Iterator[None]:
    """One appender at a time, over all processes."""
    handle = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
