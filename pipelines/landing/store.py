"""Seal input into segments.

States after a crash: before the rename, a `.part` file that nothing lists and that may be
deleted; between rename and manifest, a whole segment that nobody lists: the
caller never got its answer, and sealing the same input again finds the same name; after the
manifest, the input is safe. What came over a network was answered before it is sealed: its journal
is deleted after the manifest only (`sealing`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import duckdb

from pipelines.faults import fault_point
from pipelines.files import content_hash, sync_file, sync_folder
from pipelines.landing.manifest import Format, Segment, Source, append_segments, manifest_lock, read_segments
from pipelines.landing.records import read_label
from pipelines.landing.sealing import close_journals, closed_journals, journals, read_closed
from pipelines.landing.split import copy_in_parts


class Landing:
    """The landing zone of one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest = folder / "manifest.jsonl"

    def segments(self, source: Source) -> list[Segment]:
        """Every sealed segment of one source, oldest first."""
        return [segment for segment in read_segments(self._manifest) if segment.source == source]

    def path(self, segment: Segment) -> Path:
        """Where the segment's bytes are."""
        return self.folder / segment.path

    def index_people(self, connection: duckdb.DuckDBPyConnection, segment: Segment, keys: str) -> None:
        """Write which people a segment speaks of: `keys` is a query of one text column.

        The index holds hashes and is derived: written again under the same name when a load repeats.
        """
        folder = self.folder / "people"
        folder.mkdir(parents=True, exist_ok=True)
        aside = folder / f"{os.getpid()}.part"
        connection.execute(
            f"copy (select distinct sha256(key)[:32] as person from ({keys}) as people(key) where key is not null "
            "order by person) to $path (format parquet)",
            {"path": str(aside)},
        )
        os.replace(aside, folder / f"{segment.sha256[:32]}-{segment.part:04d}.parquet")

    def add_file(
        self, path: Path, *, source: Source, file_format: Format, options: dict[str, str], now: datetime
    ) -> list[Segment]:
        """Copy a file as it is now into sealed segments; a file known with these options adds nothing.

        A file that grows meanwhile is taken up to its last whole line of the moment of opening.
        Returns all segments of the input, new or known.
        """
        with self._open(source):
            parts = copy_in_parts(path, self.folder / source, file_format)
            whole = hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
            input_id = _input_id(whole, options)
            known = [segment for segment in self.segments(source) if segment.input_id == input_id]
            if known:
                for part in parts:
                    part.path.unlink()
                return known
            return self._seal(
                [
                    Segment(
                        path=f"{source}/{part.sha256[:32]}-{number:04d}{part.suffix}",
                        sha256=part.sha256,
                        source=source,
                        format=file_format,
                        input_id=input_id,
                        input_name=path.name,
                        part=number,
                        first_line=part.first_line,
                        received_at=now,
                        options=options,
                    )
                    for number, part in enumerate(parts)
                ],
                [part.path for part in parts],
            )

    def add_lines(
        self, lines: Iterable[bytes], *, source: Source, name: str, options: dict[str, str], now: datetime
    ) -> Segment | None:
        """Seal lines that came over a wire (no line holds a line break); None where there were none."""
        with self._open(source):
            aside = self.folder / source / f"{os.getpid()}.part"
            with aside.open("wb") as file:
                file.writelines(line + b"\n" for line in lines)
                file.flush()
                os.fsync(file.fileno())
            if aside.stat().st_size == 0:
                aside.unlink()
                return None
            segment = _of_lines(content_hash(aside), source, name, options, now)
            return self._seal([segment], [aside])[0]

    def seal_received(self) -> list[Segment]:
        """Seal what a gateway received up to this moment, whether it runs or was killed; each line once.

        Costs nothing where nothing came. Any process may call it; what another one seals at the
        same time is in the manifest when this returns.
        """
        close_journals(self.folder)
        if not closed_journals(self.folder):
            return []
        sealed: list[Segment] = []
        with manifest_lock(self._manifest):
            known = {segment.input_id for segment in read_segments(self._manifest)}
            for path in closed_journals(self.folder):
                sealed += self._seal_journal(path, known)
        return sealed

    def oldest_journal(self) -> str | None:
        """The name of what a gateway received first and nobody sealed yet; None where there is nothing."""
        waiting = journals(self.folder)
        return waiting[-1].stem if waiting else None

    def _seal_journal(self, path: Path, known: set[str]) -> list[Segment]:
        contents = read_closed(path)
        segments: list[Segment] = []
        asides: list[Path] = []
        for number, (label, group) in enumerate(contents.groups.items()):
            told = read_label(label)
            (self.folder / told.source).mkdir(parents=True, exist_ok=True)
            aside = self.folder / told.source / f"{os.getpid()}-{number}.part"
            with aside.open("wb") as file:
                file.writelines(contents.lines(group))
            # The journal's name makes it an input of its own: another may hold the same lines.
            options = {**told.options, "fetched_at": group.received_at.isoformat(), "journal": path.stem}
            segment = _of_lines(content_hash(aside), told.source, told.name, options, group.received_at)
            if segment.input_id in known:
                aside.unlink()
                continue
            known.add(segment.input_id)
            segments.append(segment)
            asides.append(aside)
        if segments:
            self._seal(segments, asides)
        fault_point("journal.before_delete")
        path.unlink()
        return segments

    def _open(self, source: Source) -> AbstractContextManager[None]:
        (self.folder / source).mkdir(parents=True, exist_ok=True)
        return manifest_lock(self._manifest)

    def _seal(self, segments: list[Segment], asides: list[Path]) -> list[Segment]:
        fault_point("landing.before_rename")
        for segment, aside in zip(segments, asides, strict=True):
            sync_file(aside)
            os.replace(aside, self.folder / segment.path)
        for source in {segment.source for segment in segments}:
            sync_folder(self.folder / source)
        fault_point("landing.before_manifest")
        append_segments(self._manifest, segments)
        sync_folder(self.folder)
        fault_point("landing.after_manifest")
        return segments


def _of_lines(digest: str, source: Source, name: str, options: dict[str, str], received_at: datetime) -> Segment:
    """The segment that lines become; everything but its content is given, so it is the same when made again."""
    return Segment(
        path=f"{source}/{digest[:32]}-0000.jsonl",
        sha256=digest,
        source=source,
        format="stripe" if source == "stripe" else "jsonl",
        input_id=_input_id(digest, options),
        input_name=name,
        part=0,
        first_line=1,
        received_at=received_at,
        options=options,
    )


def _input_id(content: str, options: dict[str, str]) -> str:
    return hashlib.sha256((content + json.dumps(options, sort_keys=True)).encode()).hexdigest()
