"""From landed segments to the lake: each event exactly once, each input in one transaction.

Nothing is remembered outside the transaction: what the landing manifest lists and `raw_events.loads`
does not is loaded next time. A crash before the commit leaves lake files that nobody lists; they
are pruned. A crash after it loses nothing: the input is known.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from pipelines.events import identity, plan
from pipelines.events.collect import REFUSED
from pipelines.events.days import write_days
from pipelines.events.identify import start_input
from pipelines.events.quarantine import write_quarantine
from pipelines.events.read import Part, forget_parts, read_part
from pipelines.events.typed import TypedReadError
from pipelines.faults import fault_point
from pipelines.landing import Landing, Segment, load_new_inputs
from pipelines.landing.lines import reading
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.warehouse.lake import prepare_lake, refresh_lake_view
from pipelines.warehouse.writer import Connection, transaction

_TOGETHER = 1 << 29
"""Bytes of segments whose rows are sorted in memory (it takes four times as much) and written together."""

# The view's names carry the database, because a snapshot's reader puts its own in that place.
_PREPARE = """
create table if not exists raw_events.loads (
    load_number integer primary key, input_id varchar unique, input_name varchar, received_at timestamp,
    loaded_at timestamp, read bigint, loaded bigint, duplicates bigint, unchanged bigint, quarantined bigint
);
create table if not exists raw_events.event_ids (id uhugeint, load_number integer);
create or replace view raw_events.events as
select lake.*, visitors.user_id, visitors.anonymous_id
from warehouse.raw_events.lake_events as lake join warehouse.raw_events.visitors as visitors using (visitor_key);
"""


def prepare_events(connection: Connection, settings: Settings) -> None:
    """Create what the events need in the warehouse, empty; the views point at this machine's paths."""
    prepare_lake(connection)
    refresh_lake_view(connection, settings)
    connection.execute(identity.PREPARE)
    connection.execute(plan.PREPARE)
    connection.execute(_PREPARE)


def load_landed(connection: Connection, settings: Settings, *, now: datetime) -> LoadSummary:
    """Load every landed input that the warehouse does not know yet, oldest first."""
    prepare_events(connection, settings)
    landing = Landing(settings.landing_dir)
    known = {row[0] for row in connection.execute("select input_id from raw_events.loads").fetchall()}
    start = _next_number(connection)
    plan.place_plan(connection, plan.read_plan(settings))

    def load(segments: list[Segment], unreadable: dict[Path, str], *, typed: bool = True) -> LoadSummary:
        try:
            with transaction(connection):
                one = _Input(connection, settings, landing, segments, number=_next_number(connection), start=start)
                loaded = one.load(unreadable, typed=typed, now=now)
                fault_point("events.before_commit")
        except TypedReadError:
            return load(segments, unreadable, typed=False)
        fault_point("events.after_commit")
        return loaded

    return load_new_inputs(landing, "events", known=known, load=load)


def _next_number(connection: Connection) -> int:
    row = connection.execute("select coalesce(max(load_number), 0) + 1 from raw_events.loads").fetchone()
    assert row is not None
    return int(row[0])


class _Input:
    """One input on its way, within one transaction."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        landing: Landing,
        segments: list[Segment],
        *,
        number: int,
        start: int,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._landing = landing
        self._segments = segments
        self._number = number
        self._start = start
        """Number of the call's first load: what came with it or later is a duplicate, not unchanged."""
        self._scratch = settings.data_dir / "loading"

    def load(self, unreadable: dict[Path, str], *, typed: bool, now: datetime) -> LoadSummary:
        """Read the segments and write what is new, some at a time so that memory stays bounded."""
        # What a killed load left there is of no use to anybody.
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        try:
            return self._load(unreadable, typed=typed, now=now)
        finally:
            shutil.rmtree(self._scratch)

    def _load(self, unreadable: dict[Path, str], *, typed: bool, now: datetime) -> LoadSummary:
        summary = LoadSummary(files=1)
        start_input(self._connection)
        self._connection.execute(
            "create or replace temp table quarantined (line bigint, problem varchar, text varchar)"
        )
        parts: list[Part] = []
        size = 0
        for segment in self._segments:
            parts.append(self._read(segment, len(parts), unreadable, typed=typed))
            size += self._landing.path(segment).stat().st_size
            if size >= _TOGETHER:
                summary.add(self._write(parts))
                parts, size = [], 0
        if parts:
            summary.add(self._write(parts))
        identity.refresh_identity_map(self._connection)
        write_quarantine(self._connection, self._settings, self._segments[0])
        self._note(summary, now)
        return summary

    def _read(self, segment: Segment, number: int, unreadable: dict[Path, str], *, typed: bool) -> Part:
        """Read one segment; nothing is written yet but the index of people."""
        path = self._landing.path(segment)
        with reading(path, segment.format):
            part = read_part(
                self._connection,
                path,
                segment.format,
                number=number,
                first_line=segment.first_line,
                mapping={
                    key.removeprefix("map."): value for key, value in segment.options.items() if key.startswith("map.")
                },
                timezone=segment.options.get("timezone", "UTC"),
                scratch=self._scratch,
                typed=typed,
                unreadable=unreadable.get(path),
                refused=segment.options.get(REFUSED),
            )
        self._connection.execute(f"insert into quarantined select line, problem, text from {part.bad}")
        self._landing.index_people(
            self._connection,
            segment,
            f"select user_id from {part.events} union select anonymous_id from {part.events} "
            f"union select {identity.PREVIOUS_ID} from {part.events} where type = 'alias'",
        )
        return part

    def _write(self, parts: list[Part]) -> LoadSummary:
        """Write what is new in the parts, and forget them."""
        together = " union all ".join(f"select * from {part.events}" for part in parts)
        self._connection.execute(f"create or replace temp view batch as {together}")
        counts = _keep_new(self._connection, number=self._number, start=self._start)
        for part in parts:
            row = self._connection.execute(f"select count(*) from {part.bad}").fetchone()
            assert row is not None
            counts.add(LoadSummary(read=row[0], quarantined=row[0]))
        identity.add_visitors(self._connection, "fresh")
        plan.note_violations(self._connection, "fresh")
        write_days(self._connection, self._settings, received_at=self._segments[0].received_at)
        identity.refresh_identities(self._connection, users_of="fresh", events="raw_events.lake_events")
        self._connection.execute("drop view fresh")
        self._connection.execute("drop view batch")
        forget_parts(self._connection, parts)
        return counts

    def _note(self, summary: LoadSummary, now: datetime) -> None:
        counts = ("read", "loaded", "duplicates", "unchanged", "quarantined")
        self._connection.execute(
            "insert into raw_events.loads values ($number, $input_id, $name, $received, $now, $read, $loaded, "
            "$duplicates, $unchanged, $quarantined)",
            {
                "number": self._number,
                "input_id": self._segments[0].input_id,
                "name": self._segments[0].input_name,
                "received": self._segments[0].received_at.replace(tzinfo=None),
                "now": now.replace(tzinfo=None),
                **{name: getattr(summary, name) for name in counts},
            },
        )


def _keep_new(connection: Connection, *, number: int, start: int) -> LoadSummary:
    """Leave in the view `fresh` the rows of `batch` whose id was never loaded, and count the rest.

    Only ids are compared and only what repeats is written down: most batches hold few of them.
    """
    connection.execute("""
        create or replace temp table known_ids as
        select id, min(load_number) as load_number from raw_events.event_ids
        where id in (select id from batch) group by id
    """)
    connection.execute("""
        create or replace temp table skipped as
        select id, null::bigint as kept_line from known_ids
        union all
        select id, min(line) as kept_line from batch anti join known_ids using (id) group by id having count(*) > 1
    """)
    connection.execute("""
        create or replace temp view fresh as
        select batch.* from batch
        anti join skipped on batch.id = skipped.id and batch.line is distinct from skipped.kept_line
    """)
    written = connection.execute(
        "insert into raw_events.event_ids select id, $number from fresh", {"number": number}
    ).fetchone()
    row = connection.execute(
        "select (select count(*) from batch), (select count(*) from batch semi join "
        "(select id from known_ids where load_number < $start) as older using (id))",
        {"start": start},
    ).fetchone()
    assert row is not None
    assert written is not None
    read, unchanged, loaded = int(row[0]), int(row[1]), int(written[0])
    return LoadSummary(read=read, loaded=loaded, unchanged=unchanged, duplicates=read - unchanged - loaded)
