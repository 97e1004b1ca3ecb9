"""Copy one input file into parts of bounded size, cut between lines.

A file within the bound is copied byte by byte, compressed or not. A larger one of lines is cut
into plain parts (each CSV part repeats the header); a larger Parquet file stays whole, since only
its own footer knows its rows.
"""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from pipelines.files import content_hash
from pipelines.landing.manifest import Format

BOUND = 256 * 1024 * 1024
"""Bytes of a segment, about: a rewrite for an erasure costs at most one of these per segment."""


@dataclass(frozen=True)
class Part:
    """One written part, not yet under its final name."""

    path: Path
    sha256: str
    first_line: int
    suffix: str


def open_plain(path: Path) -> BinaryIO:
    """The file's bytes without its compression (.gz and .zst by name)."""
    if path.name.endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.name.endswith(".zst"):
        reader = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True, closefd=True)
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, reader)))
    return path.open("rb")


def copy_in_parts(path: Path, folder: Path, file_format: Format, *, bound: int = BOUND) -> list[Part]:
    """Write `path` as it is at this moment into parts in `folder` (names end in `.part`)."""
    suffix = "".join(ending for ending in path.suffixes[-2:] if ending in _ENDINGS)
    with path.open("rb") as source:
        size = os.fstat(source.fileno()).st_size
        if size <= bound or file_format == "parquet":
            aside = folder / f"{os.getpid()}-0.part"
            _copy(source, aside, size)
            if file_format != "parquet" and suffix == _plain(suffix) and os.fstat(source.fileno()).st_size > size:
                _cut_to_whole_lines(aside)
            return [Part(aside, content_hash(aside), 1, suffix)]
    return _cut(path, folder, bound, _plain(suffix), has_header=file_format == "csv")


_ENDINGS = {".jsonl", ".ndjson", ".json", ".csv", ".parquet", ".gz", ".zst"}


def _plain(suffix: str) -> str:
    return suffix.removesuffix(".gz").removesuffix(".zst")


def _copy(source: BinaryIO, target: Path, size: int) -> None:
    with target.open("wb") as file:
        left = size
        while left > 0 and (piece := source.read(min(left, 1 << 20))):
            file.write(piece)
            left -= len(piece)


def _cut_to_whole_lines(path: Path) -> None:
    content = path.read_bytes()
    os.truncate(path, content.rfind(b"\n") + 1)


def _cut(path: Path, folder: Path, bound: int, suffix: str, *, has_header: bool) -> list[Part]:
    parts: list[Part] = []
    with open_plain(path) as source:
        header = source.readline() if has_header else b""
        line = 2 if has_header else 1
        while piece := source.read(bound):
            # Whole lines, and always the same cut of the same file: a part is known by its content.
            piece += source.readline()
            aside = folder / f"{os.getpid()}-{len(parts)}.part"
            with aside.open("wb") as file:
                file.write(header)
                file.write(piece)
            parts.append(Part(aside, content_hash(aside), line - (1 if has_header else 0), suffix))
            line += piece.count(b"\n")
    return parts
