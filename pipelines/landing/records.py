"""The records of a journal: what arrived, under which label and when, each with its checksum.

A crash can leave anything behind the last byte that was brought to disk: half a record, or zeros
where a block never arrived. Reading takes every whole record, wherever it stands, and tells how
many bytes belong to none. A record whose sender got an answer is whole on any sound disk.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict

from pipelines.landing.manifest import Source

MAGIC = b"MSJ1"
_CHECK = struct.Struct(">4sI")
_REST = struct.Struct(">Iq")
HEAD = _CHECK.size + _REST.size
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Label(BaseModel):
    """What a record's segment will be called: the records of one label become one segment."""

    model_config = ConfigDict(frozen=True)

    source: Source
    name: str
    options: dict[str, str]

    def encoded(self) -> bytes:
        """As it stands in a record, the same for equal labels."""
        return orjson.dumps(self.model_dump(), option=orjson.OPT_SORT_KEYS)


def read_label(encoded: bytes) -> Label:
    """A label as it stood in a record."""
    return Label.model_validate_json(encoded)


def encode(label: bytes, lines: bytes, received_at: datetime) -> bytes:
    """One record: `lines` are whole lines, each with its line break at the end."""
    if not lines.endswith(b"\n"):
        raise ValueError("a record holds whole lines")
    payload = label + b"\n" + lines
    rest = _REST.pack(len(payload), (received_at - _EPOCH) // timedelta(microseconds=1)) + payload
    return _CHECK.pack(MAGIC, zlib.crc32(rest)) + rest


@dataclass
class Group:
    """The records of one label within a journal: when the first came, and where their lines stand."""

    received_at: datetime
    lines: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Contents:
    """A journal as it was read: its bytes, and the places of the lines by label.

    `torn` bytes at its end and `damaged` ones before that belong to no record.
    """

    data: bytes
    groups: dict[bytes, Group] = field(default_factory=dict)
    torn: int = 0
    damaged: int = 0

    def lines(self, group: Group) -> Iterator[bytes]:
        """The lines of each record of a group, in the order of their arrival."""
        return (self.data[start:end] for start, end in group.lines)


def read_records(path: Path) -> Contents:
    """Every whole record of a journal; it may be growing meanwhile.

    Raises:
        FileNotFoundError: it was sealed meanwhile.
    """
    # Not mapped into memory: its writer may shorten the file meanwhile.
    data = path.read_bytes()
    size = len(data)
    contents = Contents(data)
    at = 0
    while at < size:
        end = _end_of(data, at, size)
        if end is None:
            # Not a record: go on at the next place that looks like the begin of one.
            following = data.find(MAGIC, at + 1)
            following = size if following < 0 else following
            contents.torn += following - at
            at = following
            continue
        contents.damaged += contents.torn
        contents.torn = 0
        _, microseconds = _REST.unpack_from(data, at + _CHECK.size)
        begin = at + HEAD
        break_at = data.find(b"\n", begin, end)
        received_at = _EPOCH + timedelta(microseconds=microseconds)
        group = contents.groups.setdefault(data[begin:break_at], Group(received_at))
        group.lines.append((break_at + 1, end))
        at = end
    return contents


def _end_of(data: bytes, at: int, size: int) -> int | None:
    """Where the record at this place ends; None where there is no whole one."""
    if at + HEAD > size:
        return None
    magic, checksum = _CHECK.unpack_from(data, at)
    length, _ = _REST.unpack_from(data, at + _CHECK.size)
    end = at + HEAD + int(length)
    if magic != MAGIC or end > size:
        return None
    with memoryview(data) as view, view[at + _CHECK.size : end] as checked:
        return end if zlib.crc32(checked) == checksum else None
