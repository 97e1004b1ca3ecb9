"""From landed files of rates to `raw_rates.rates`: one row per currency and day, the last told wins.

Each input is one transaction and loaded once; a crash before its commit loads it next time. The same
file again changes nothing, an older file landed later counts as told later.
"""

from __future__ import annotations

import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import polars as pl

from pipelines.files import write_whole
from pipelines.landing import Landing, Segment, load_new_inputs
from pipelines.landing.lines import reading, register_lines, register_unreadable
from pipelines.landing.summary import LoadSummary
from pipelines.rates.fetch import RatesUnreachableError, fetched, is_address
from pipelines.rates.lines import BadLineError, Rate, rates_of
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse, transaction
from pipelines.warehouse.writer import Connection

_PREPARE = """
create table if not exists raw_rates.rates (
    rate_date date, currency varchar, units_per_eur decimal(18, 9), input_id varchar, line bigint
);
create table if not exists raw_rates.loads (
    load_number integer primary key, input_id varchar unique, input_name varchar, received_at timestamp,
    loaded_at timestamp, read bigint, loaded bigint, duplicates bigint, unchanged bigint, quarantined bigint
);
create table if not exists raw_rates.fetches (
    source varchar primary key, attempted_at timestamp, fetched_at timestamp, problem varchar
);
"""
Stored = dict[tuple[date, str], Decimal]


def prepare_rates(connection: Connection) -> None:
    """Create what rates need in the warehouse, empty."""
    connection.execute(_PREPARE)


def refresh(settings: Settings, *, now: datetime) -> LoadSummary:
    """Ask the source that the settings name, if any, and load what is landed; what the source said is noted.

    A source that gives nothing is no error here: the rates that are known go on.
    """
    if settings.rates is not None:
        try:
            return ingest_rates(settings, settings.rates, now=now)
        except RatesUnreachableError:
            pass
    with Warehouse(settings).write("loading exchange rates") as connection:
        return load_landed(connection, settings, now=now)


def ingest_rates(settings: Settings, source: str, *, now: datetime) -> LoadSummary:
    """Land and load one file or address; a file that is known changes nothing.

    Raises:
        RatesUnreachableError: the source gave no file; nothing was changed but the note of it.
    """
    begin = time.monotonic()
    problem: str | None = None
    try:
        with fetched(source) as path:
            options = {"source": "rates"}
            segments = Landing(settings.landing_dir).add_file(
                path, source="rates", file_format="csv", options=options, now=now
            )
    except RatesUnreachableError as found:
        problem = str(found)
    with Warehouse(settings).write("loading exchange rates") as connection:
        prepare_rates(connection)
        _note(connection, source, problem, now)
        if problem is not None:
            raise RatesUnreachableError(problem)
        summary = LoadSummary()
        already = dict(connection.execute("select input_id, read from raw_rates.loads").fetchall())
        if segments and segments[0].input_id in already:
            read = int(already[segments[0].input_id])
            summary.add(LoadSummary(files=1, read=read, unchanged=read))
        summary.add(load_landed(connection, settings, now=now))
    summary.seconds = time.monotonic() - begin
    return summary


def load_landed(connection: Connection, settings: Settings, *, now: datetime) -> LoadSummary:
    """Load every landed file that the warehouse does not know yet, oldest first."""
    prepare_rates(connection)
    landing = Landing(settings.landing_dir)
    known = {row[0] for row in connection.execute("select input_id from raw_rates.loads").fetchall()}

    def load(segments: list[Segment], unreadable: dict[Path, str]) -> LoadSummary:
        with transaction(connection):
            return _load_input(connection, settings, landing, segments, now, unreadable)

    return load_new_inputs(landing, "rates", known=known, load=load)


def _load_input(
    connection: Connection,
    settings: Settings,
    landing: Landing,
    segments: list[Segment],
    now: datetime,
    unreadable: dict[Path, str],
) -> LoadSummary:
    summary = LoadSummary(files=1)
    rows = connection.execute("select rate_date, currency, units_per_eur from raw_rates.rates").fetchall()
    stored: Stored = {(day, currency): units for day, currency, units in rows}
    told: dict[tuple[date, str], tuple[Decimal, int]] = {}
    bad: list[bytes] = []
    for segment in segments:
        path = landing.path(segment)
        with reading(path, segment.format):
            if path in unreadable:
                register_unreadable(connection, unreadable[path], first_line=segment.first_line)
            else:
                register_lines(connection, path, segment.format, first_line=segment.first_line)
        for line, text, problem in connection.execute(
            "select line, text, problem from incoming order by line"
        ).fetchall():
            summary.read += 1
            try:
                rates = _rates(text, problem)
            except BadLineError as found:
                summary.quarantined += 1
                bad.append(orjson.dumps({"file": segment.input_name, "line": line, "reason": str(found), "text": text}))
                continue
            new = [one for one in rates if stored.get((one.day, one.currency)) != one.units]
            summary.loaded += bool(new)
            summary.unchanged += not new
            for one in new:
                stored[one.day, one.currency] = one.units
                told[one.day, one.currency] = (one.units, line)
    _store(connection, segments[0].input_id, told)
    if bad:
        folder = settings.quarantine_dir / "rates"
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{segments[0].input_id[:32]}.jsonl", b"\n".join(bad) + b"\n")
    connection.execute(
        "insert into raw_rates.loads select coalesce(max(load_number), 0) + 1, $input_id, $name, $received, $now, "
        "$read, $loaded, $duplicates, $unchanged, $quarantined from raw_rates.loads",
        {
            "input_id": segments[0].input_id,
            "name": segments[0].input_name,
            "received": segments[0].received_at.replace(tzinfo=None),
            "now": now.replace(tzinfo=None),
            **{name: getattr(summary, name) for name in ("read", "loaded", "duplicates", "unchanged", "quarantined")},
        },
    )
    return summary


def _rates(text: str, problem: str | None) -> list[Rate]:
    if problem is not None:
        raise BadLineError(problem)
    return rates_of(orjson.loads(text))


def _store(connection: Connection, input_id: str, told: dict[tuple[date, str], tuple[Decimal, int]]) -> None:
    if not told:
        return
    rows = [(day, currency, units, input_id, line) for (day, currency), (units, line) in told.items()]
    schema: dict[str, pl.DataType] = {
        "rate_date": pl.Date(),
        "currency": pl.String(),
        "units_per_eur": pl.Decimal(18, 9),
        "input_id": pl.String(),
        "line": pl.Int64(),
    }
    incoming_rates = pl.DataFrame(rows, schema=schema, orient="row")  # DuckDB finds it by this name.
    connection.execute(
        "delete from raw_rates.rates where (rate_date, currency) in (select (rate_date, currency) from incoming_rates)"
    )
    connection.execute("insert into raw_rates.rates by name from incoming_rates")
    del incoming_rates


def _note(connection: Connection, source: str, problem: str | None, now: datetime) -> None:
    """What the source said at this attempt; when it last gave something stays."""
    moment = now.replace(tzinfo=None)
    connection.execute(
        "insert into raw_rates.fetches values ($source, $now, case when $problem is null then $now end, $problem) "
        "on conflict (source) do update set attempted_at = excluded.attempted_at, problem = excluded.problem, "
        "fetched_at = coalesce(excluded.fetched_at, fetches.fetched_at)",
        {"source": _name(source), "problem": problem, "now": moment},
    )


def _name(source: str) -> str:
    """A source without what may be secret in its address."""
    if not is_address(source):
        return source
    address = urlsplit(source)
    return f"{address.scheme}://{address.hostname}{address.path}"
