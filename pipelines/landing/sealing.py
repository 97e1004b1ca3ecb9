"""From journals to sealed segments: whoever loads takes what a gateway received up to this moment.

A journal goes through three states, each found by its name: `.open` (a process appends), `.closed`
(nobody does any more), gone (its lines are in listed segments). Between any two lines a crash
leaves one of these, and the next call goes on from there:

- before the journal is closed: it is open, as it was.
- after it, before its segments are listed: it is closed; sealing it again makes the same segments
  under the same names, since all that names them stands in the journal.
- after they are listed, before the journal is deleted: the manifest knows them, so it is only deleted.

A journal whose process was killed is sealed like any other: the kernel has freed its lock, and what
was torn at its end is told to nobody and cut.
"""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

from pipelines.landing.journal_file import CLOSED, FOLDER, OPEN
from pipelines.landing.records import Contents, read_records

_log = logging.getLogger("millstream.landing")


def close_journals(landing: Path) -> None:
    """Take every journal away from whoever appends to it; its next batch begins another."""
    for path in sorted((landing / FOLDER).glob(f"*{OPEN}")):
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            # Held by its writer for as long as one batch takes.
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(path, handle):
                os.rename(path, path.with_suffix(CLOSED))
        finally:
            os.close(handle)


def closed_journals(landing: Path) -> list[Path]:
    """Journals that nobody appends to, oldest first."""
    return sorted((landing / FOLDER).glob(f"*{CLOSED}"))


def journals(landing: Path) -> list[Path]:
    """Every journal that is not sealed yet, newest first."""
    return sorted((landing / FOLDER).glob("*.*"), reverse=True)


def read_closed(path: Path) -> Contents:
    """What a closed journal holds; says it where bytes were cut."""
    contents = read_records(path)
    if contents.torn:
        _log.warning("%d bytes at the end of %s were torn by a crash and are cut; nobody was told that they arrived",
                     contents.torn, path.name)  # fmt: skip
    if contents.damaged:
        _log.error("%d bytes within %s are damaged and left out; if no crash came before this, look at the disk",
                   contents.damaged, path.name)  # fmt: skip
    return contents


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.stat(path).st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False
