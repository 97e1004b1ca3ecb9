"""What became of handed-over mails: SendGrid's events, from landed bodies to `raw_email.events`.

A line is one event of SendGrid's Event Webhook, or an array of them as it posts them. Each event
counts once by its `sg_event_id` over all history. Addresses stay in the landing zone; the warehouse
knows their keys (`events`). Each input is one transaction; what was landed and is not in
`raw_email.loads` is loaded next time.

What the events ask for (`applied`) is written before they are committed here, so a crash in between
leaves nobody mailed and the next load repeats. Of what the gateway applied already nothing is left to do.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson
import pyarrow as pa

from pipelines.delivery.applied import apply_events
from pipelines.delivery.events import Told, read_event
from pipelines.files import write_whole
from pipelines.landing import Landing, Segment, load_new_inputs
from pipelines.landing.lines import reading, register_lines, register_unreadable
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.warehouse.writer import Connection, Warehouse, transaction

_PREPARE = """
create table if not exists raw_email.events (
    event_id varchar, event varchar, campaign varchar, occurrence varchar, person_id varchar,
    message_id varchar, address_key varchar, url varchar, reason varchar, bounce_type varchar,
    event_at timestamp, received_at timestamp, payload varchar
);
alter table raw_email.events add column if not exists dedupe_key varchar;
alter table raw_email.events add column if not exists is_machine boolean;
create table if not exists raw_email.loads (
    load_number integer primary key, input_id varchar unique, input_name varchar, received_at timestamp,
    loaded_at timestamp, read bigint, loaded bigint, duplicates bigint, unchanged bigint, quarantined bigint
);
"""

_TEXTS = ("event_id", "event", "dedupe_key", "campaign", "occurrence", "person_id", "message_id", "address_key", "url",
          "reason", "bounce_type")  # fmt: skip
_SCHEMA = pa.schema(
    [(name, pa.string()) for name in _TEXTS]
    + [
        ("is_machine", pa.bool_()),
        ("event_at", pa.timestamp("us")),
        ("received_at", pa.timestamp("us")),
        ("payload", pa.string()),
    ]
)


@dataclass
class _Read:
    """What one input holds: good rows by event id, addresses, bad lines."""

    lines: int = 0
    repeated: int = 0
    events: dict[str, Told] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    bad: list[dict[str, object]] = field(default_factory=list)


def prepare_email(connection: Connection) -> None:
    """Create what SendGrid's events need in the warehouse, empty."""
    connection.execute(_PREPARE)


def ingest_feedback(settings: Settings, paths: Iterable[Path], *, now: datetime) -> LoadSummary:
    """Land and load files of SendGrid events; a file known before adds nothing.

    Raises:
        BusyError: another process writes; nothing was landed.
    """
    begin = time.monotonic()
    landing = Landing(settings.landing_dir)
    with Warehouse(settings).write("loading e-mail events") as connection:
        prepare_email(connection)
        already = dict(connection.execute("select input_id, read from raw_email.loads").fetchall())
        summary = LoadSummary()
        for path in paths:
            landed = landing.add_file(path, source="email", file_format="jsonl", options={"source": "file"}, now=now)
            if landed and landed[0].input_id in already:
                read = int(already[landed[0].input_id])
                summary.add(LoadSummary(files=1, read=read, unchanged=read))
        summary.add(load_landed(connection, settings, now=now))
    summary.seconds = time.monotonic() - begin
    return summary


def load_landed(connection: Connection, settings: Settings, *, now: datetime) -> LoadSummary:
    """Load every landed input that the warehouse does not know yet, oldest first."""
    prepare_email(connection)
    landing = Landing(settings.landing_dir)
    known = {row[0] for row in connection.execute("select input_id from raw_email.loads").fetchall()}

    def load(segments: list[Segment], unreadable: dict[Path, str]) -> LoadSummary:
        with transaction(connection):
            return _load_input(connection, settings, landing, segments, now, unreadable)

    return load_new_inputs(landing, "email", known=known, load=load)


def _load_input(
    connection: Connection,
    settings: Settings,
    landing: Landing,
    segments: list[Segment],
    now: datetime,
    unreadable: dict[Path, str],
) -> LoadSummary:
    found = _Read()
    for segment in segments:
        found.addresses.clear()
        path = landing.path(segment)
        with reading(path, segment.format):
            if path in unreadable:
                register_unreadable(connection, unreadable[path], first_line=segment.first_line)
            else:
                register_lines(connection, path, segment.format, first_line=segment.first_line)
        lines = connection.execute("select line, text, problem from incoming order by line").fetchall()
        for line, text, problem in lines:
            _read_line(found, segment, int(line), text, problem)
        connection.register("addressees", pa.table({"key": pa.array(sorted(found.addresses), pa.string())}))
        landing.index_people(connection, segment, "select key from addressees")
        connection.unregister("addressees")
    if found.events:
        apply_events(open_state(settings), found.events.values(), now=now)
    summary = _insert(connection, found)
    _set_aside(settings, segments[0], found.bad)
    connection.execute(
        "insert into raw_email.loads select coalesce(max(load_number), 0) + 1, $input_id, $name, $received, $now, "
        "$read, $loaded, $duplicates, $unchanged, $quarantined from raw_email.loads",
        {
            "input_id": segments[0].input_id,
            "name": segments[0].input_name,
            "received": segments[0].received_at.replace(tzinfo=None),
            "now": now.replace(tzinfo=None),
            **{name: getattr(summary, name) for name in ("read", "loaded", "duplicates", "unchanged", "quarantined")},
        },
    )
    return summary


def _read_line(found: _Read, segment: Segment, line: int, text: str | None, problem: str | None) -> None:
    try:
        if problem is not None or text is None:
            raise ValueError(problem or "empty")
        told = orjson.loads(text)
        events = told if isinstance(told, list) else [told]
    except ValueError as wrong:
        reason = "no JSON" if isinstance(wrong, orjson.JSONDecodeError) else str(wrong)
        _refuse(found, segment, line, reason, text)
        return
    for event in events:
        try:
            read = read_event(event, segment.received_at)
        except ValueError as wrong:
            _refuse(found, segment, line, str(wrong), text)
            continue
        found.lines += 1
        if read.row["event_id"] in found.events:
            found.repeated += 1
        found.events.setdefault(read.row["event_id"], read)
        found.addresses.update([read.address] if read.address else [])


def _refuse(found: _Read, segment: Segment, line: int, reason: str, text: str | None) -> None:
    found.lines += 1
    found.bad.append({"file": segment.input_name, "line": line, "reason": reason, "text": text})


def _insert(connection: Connection, found: _Read) -> LoadSummary:
    incoming_events = pa.Table.from_pylist([one.row for one in found.events.values()], schema=_SCHEMA)
    fresh = connection.execute(
        "insert into raw_email.events by name select * from incoming_events "
        "where event_id not in (select event_id from raw_email.events) order by event_at, event_id"
    ).fetchone()
    del incoming_events  # DuckDB found it by this name.
    loaded = int(fresh[0]) if fresh else 0
    return LoadSummary(
        files=1,
        read=found.lines,
        loaded=loaded,
        duplicates=found.repeated,
        unchanged=len(found.events) - loaded,
        quarantined=len(found.bad),
        by_object={"email_event": loaded},
    )


def _set_aside(settings: Settings, segment: Segment, bad: list[dict[str, object]]) -> None:
    if not bad:
        return
    folder = settings.quarantine_dir / "email"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{segment.input_id[:32]}.jsonl", b"".join(orjson.dumps(one) + b"\n" for one in bad))
