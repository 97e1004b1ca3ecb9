"""Which webhooks were delivered last, as the landing zone knows it: read at a start, so that a restart forgets little.

Reading needs no lock: what is sealed meanwhile may be read twice, and a file that is gone is passed over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import orjson

from pipelines.landing import Label, Landing
from pipelines.landing.records import read_label, read_records
from pipelines.landing.sealing import journals
from pipelines.stripe.webhooks import KNOWN, SOURCE, Key, key_of

_READ = 32 * 1024 * 1024
"""Bytes of the newest deliveries that are read."""


def newest_keys(landing: Landing, *, limit: int = KNOWN, read: int = _READ) -> list[Key]:
    """The deliveries that were landed last, oldest first, as far as `read` bytes hold them."""
    found: list[Key] = []
    for lines in _newest_first(landing):
        for line in reversed(lines.splitlines()):
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, AttributeError):
                found.append(key_of(orjson.loads(line)))
        read -= len(lines)
        if read <= 0 or len(found) >= limit:
            break
    return found[:limit][::-1]


def _newest_first(landing: Landing) -> Iterator[bytes]:
    """The lines of unsealed journals, then those of the newest segments."""
    for path in journals(landing.folder):
        with contextlib.suppress(FileNotFoundError):
            contents = read_records(path)
            for label, group in contents.groups.items():
                if _is_ours(read_label(label)):
                    yield b"".join(contents.lines(group))
    for segment in reversed(landing.segments("stripe")):
        if segment.options.get("source") == SOURCE:
            yield _content(landing.path(segment))


def _is_ours(label: Label) -> bool:
    return label.source == "stripe" and label.options.get("source") == SOURCE


def _content(path: Path) -> bytes:
    # An erased person's segment may be on its way to another name.
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
