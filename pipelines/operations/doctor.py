"""What is wrong with this installation, and how to mend it; with all that the page Data health shows.

A look changes nothing. Every problem is one sentence and one remedy.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Engine

from pipelines.campaigns import listing
from pipelines.delivery import at_work
from pipelines.operations import installation
from pipelines.operations.installation import Problem
from pipelines.quality import told
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.warehouse import Snapshot, SnapshotReader


def examine(settings: Settings, *, is_offline: bool = False) -> dict[str, Any]:
    """The document of `millstream doctor --json`: problems first, then builds, checks, sources and loads.

    Stripe is asked what the key may read and the mailer whether it takes mails, unless `is_offline`.
    """
    engine, now = open_state(settings), settings.now()
    snapshot = SnapshotReader(settings.published_dir).current()
    builds = told.recent_builds(engine)
    room, problems = installation.disk(settings)
    problems += [*installation.configuration(settings), *installation.deliveries(settings)]
    at_stripe = None
    if not is_offline:
        at_stripe, told_there = installation.at_stripe(settings)
        problems += [*told_there, *installation.at_the_mailer(settings)]
    problems += [*_publishing(snapshot, builds, now), *_stuck(settings, engine)]
    return {
        "now": now,
        "snapshot": snapshot.number if snapshot else None,
        "as_of": snapshot.as_of if snapshot else None,
        "published_at": snapshot.published_at if snapshot else None,
        "problems": [one._asdict() for one in (*problems, *(_data(snapshot) if snapshot else ()))],
        "disk": room,
        "stripe": at_stripe,
        "builds": [vars(build) for build in builds],
        "checks": _rows(told.checks, snapshot),
        "failing_rows": _rows(told.failing_rows, snapshot),
        "balance": _rows(told.balance, snapshot),
        "unexplained": _rows(told.unexplained, snapshot),
        "sources": _rows(told.sources, snapshot),
        "unknown_values": _rows(told.unknown_values, snapshot),
        "plan_violations": _rows(told.plan_violations, snapshot),
        "rates": _rows(told.rates, snapshot),
        "loads": _rows(told.loads, snapshot),
    }


def _publishing(snapshot: Snapshot | None, builds: list[told.Build], now: datetime) -> list[Problem]:
    """Whether figures are there, whole and of today."""
    found = []
    if builds and builds[0].outcome == "failed":
        found.append(
            Problem(f"The last build failed: {builds[0].reason}", "Mend what it names, then `millstream run`.")
        )
    if snapshot is None:
        return [*found, Problem("Nothing is published yet.", "Load data, then `millstream run`.")]
    if told.is_stale(snapshot.as_of, now):
        late = f"The figures are of {snapshot.as_of:%Y-%m-%d %H:%M} UTC: the pipeline is late."
        found.append(Problem(late, "`millstream run`; `millstream up` runs it by itself."))
    return found


def _data(snapshot: Snapshot) -> list[Problem]:
    """What the snapshot says of its own making."""
    found = [
        Problem(
            f"Check failed ({check['severity']}): {check['name']} on {check['table_name']}"
            + (f", {check['message']}" if check["message"] else ""),
            "See `failing_rows` (--json) or the page Data health; mend the input or the model.",
        )
        for check in _rows(told.checks, snapshot)
        if not check["is_passed"]
    ]
    for source in _rows(told.sources, snapshot):
        if source["quarantined"]:
            lines = f"{source['source']}: {source['quarantined']:,} bad lines were set aside."
            found.append(Problem(lines, "Look into quarantine/, mend the source and load the mended file."))
    found += [
        Problem(
            f"{one['problem']} Rates came last: {one['fetched_at'] or 'never'}.",
            "Check MILLSTREAM_RATES and the address, then `millstream ingest rates`.",
        )
        for one in _rows(told.rates, snapshot)
        if one["problem"]
    ]
    broken = _rows(told.plan_violations, snapshot)
    if broken:
        events = sorted({str(one["event"]) for one in broken})
        count = sum(one["event_count"] for one in broken)
        found.append(
            Problem(
                f"The tracking plan is broken {count:,} times, by: {', '.join(events[:5])}{', …' * (len(events) > 5)}.",
                "See `plan_violations` (--json) or the page Data health; mend the sender or the plan.",
            )
        )
    found += [
        Problem(
            f"{one['field']} {one['value']} in {one['table_name']} ({one['row_count']:,} rows) is new to this version.",
            "Nothing is lost; a newer version may know it.",
        )
        for one in _rows(told.unknown_values, snapshot)
    ]
    return found


def _stuck(settings: Settings, engine: Engine) -> list[Problem]:
    """Work that waits for somebody to go on with it."""
    sending = [str(row["name"]) for row in listing(engine) if row["state"] == "sending"]
    if not sending or at_work(settings):
        return []
    return [
        Problem(f"Campaign {name} is sending, but no sender is at work.", f"`millstream campaign send {name}` goes on.")
        for name in sending
    ]


def _rows(ask: Any, snapshot: Snapshot | None) -> list[dict[str, Any]]:
    frame = ask(snapshot) if snapshot else pl.DataFrame()
    return list(frame.iter_rows(named=True))
