"""Campaigns that run by themselves: what is due, whether the data let it go, and the sender as a child.

`waiting` tells what campaigns have to do now, `held` which gates are shut, `newest_if_open` hands out the snapshot
that an audience may be frozen from, and `send_in_child` starts the command that everybody uses and waits for it.
Nothing is decided here that a room below decides: this is where their facts meet.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from sqlalchemy import Engine, exists, func, insert, select, update

from pipelines.campaigns import due, find, following, told_journeys
from pipelines.campaigns.gates import ATTENDED, Facts, Hold, holds, refuse_held
from pipelines.campaigns.occurrences import due_of, timing_of
from pipelines.campaigns.stepping import ENTRY
from pipelines.delivery import at_work
from pipelines.errors import MillstreamError
from pipelines.quality import FRESH, told
from pipelines.segments import span_length
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import consents, cursors, occurrences
from pipelines.tied import tied
from pipelines.warehouse import Snapshot, SnapshotReader

_COMMAND = "from pipelines.cli import main; main()"
_COUNTED_AGAIN = "reconcile:"


def held(settings: Settings, engine: Engine, now: datetime) -> list[Hold]:
    """The gates that are shut now."""
    snapshot = SnapshotReader(settings.published_dir).current()
    return holds(facts(settings, engine, snapshot), now=now, max_age=span_length(settings.campaign_max_age))


def facts(settings: Settings, engine: Engine, snapshot: Snapshot | None) -> Facts:
    """What the gates look at, each fact from its one home."""
    counted = select(cursors).where(cursors.c.name.startswith(_COUNTED_AGAIN))
    with reading(engine) as connection:
        some = select(exists().where(consents.c.withdrawn_at.is_(None)))
        agreed = bool(connection.execute(some).scalar())
        again = {row.name.removeprefix(_COUNTED_AGAIN): json.loads(row.value) for row in connection.execute(counted)}
    checks = list(told.checks(snapshot).iter_rows(named=True)) if snapshot else []
    failing = [one for one in checks if not one["is_passed"]]
    balance = told.balance(snapshot).iter_rows(named=True) if snapshot else ()
    return Facts(
        snapshot=snapshot.number if snapshot else None,
        as_of=snapshot.as_of if snapshot else None,
        failed_build=_failed_build(engine),
        failed_checks=[f"{one['name']} on {one['table_name']}" for one in failing if one["severity"] == "error"],
        late_sources={one["table_name"]: one["message"] for one in failing if one["name"] == FRESH},
        unexplained={row["currency"]: int(row["unexplained_minor"]) for row in balance},
        counted_again={
            account: (datetime.fromisoformat(one["until"]), int(one["unexplained_minor"]))
            for account, one in again.items()
        },
        needs_consents=settings.consent == "required",
        has_consents=agreed,
    )


def _failed_build(engine: Engine) -> tuple[datetime, str] | None:
    """The newest build, where it failed; a build of the same moment that published came after it."""
    newest = told.recent_builds(engine)
    same = [build for build in newest if build.started_at == newest[0].started_at]
    if not same or any(build.outcome == "published" for build in same):
        return None
    return same[0].started_at, same[0].reason or "no reason was kept"


def note_counted_again(engine: Engine, account: str, until: datetime, unexplained_minor: int, now: datetime) -> None:
    """Keep what the last `revenue reconcile` of an account found, for the gate; the newest one counts."""
    name = f"{_COUNTED_AGAIN}{account}"[:100]
    value = json.dumps({"until": until.astimezone(UTC).isoformat(), "unexplained_minor": unexplained_minor})
    with writing(engine) as connection:
        kept = update(cursors).where(cursors.c.name == name).values(value=value, updated_at=now)
        if connection.execute(kept).rowcount == 0:
            connection.execute(insert(cursors).values(name=name, value=value, updated_at=now))


class Waiting(NamedTuple):
    """One thing that a campaign has to do now: the partition it belongs to, and since when it is due."""

    campaign: str
    occurrence: str
    due_at: datetime

    @property
    def partition(self) -> str:
        """`win-back|2026-11-27T08:00Z`."""
        return f"{self.campaign}|{self.occurrence}"


def waiting(settings: Settings, engine: Engine, now: datetime) -> list[Waiting]:
    """What campaigns have to do now, the longest due first; nothing while a sender is at work."""
    if at_work(settings):
        return []
    dated = [Waiting(one.campaign, one.occurrence, one.due_at) for one in due(engine, now)]
    entered = [Waiting(one.campaign, ENTRY, one.due_at) for one in following(engine, now)]
    found = {one.partition: one for one in sorted([*dated, *entered], key=lambda one: one.due_at, reverse=True)}
    return sorted(found.values(), key=lambda one: (one.due_at, one.partition))


def newest_if_open(
    settings: Settings, name: str, now: datetime, *, unattended: bool, note: Callable[[str], None]
) -> Snapshot:
    """The snapshot to freeze an audience from, if the data let this campaign go now.

    Somebody who watches is told of gates that would only hold back what nobody watches. What is over for everybody
    passes: nobody is mailed then, and whoever would have been is told to be late.

    Raises:
        HeldBackError: a gate is shut.
        NotPublishedError: nothing is published.
    """
    engine = open_state(settings)
    if not _too_late(engine, name, now):
        shut = held(settings, engine, now)
        refuse_held(name, [hold for hold in shut if unattended or hold.gate in ATTENDED])
        for hold in shut:
            note(f"a schedule would wait: {hold}")
    return SnapshotReader(settings.published_dir).newest()


def _too_late(engine: Engine, name: str, now: datetime) -> bool:
    """Whether all that is due of this campaign is over for everybody."""
    with reading(engine) as connection:
        kept, found = timing_of(connection, name), due_of(connection, name, now)
    return bool(found) and kept is not None and all(kept.is_over(one.due_at, now) for one in found)


def told_automation(settings: Settings, engine: Engine, name: str, now: datetime) -> dict[str, Any]:
    """What a campaign does by itself: what it waits for, what holds it back, where its journeys stand, who approves.

    Raises:
        UsageError: there is no such campaign.
    """
    with reading(engine) as connection:
        row = find(connection, name)
        first = select(func.min(occurrences.c.due_at)).where(
            occurrences.c.campaign == name, occurrences.c.state == "waiting"
        )
        dated = connection.scalar(first)
    document = json.loads(row.document)
    follows = "trigger" in document
    told_of = told_journeys(engine, name) if follows else None
    moments = [one for one in (dated, told_of["next_due_at"] if told_of else None) if one is not None]
    goes = follows or dated is not None or "schedule" in document
    is_ahead = row.state in ("draft", "approved", "scheduled", "sending")
    return {
        "goes_by_itself": goes,
        "next_due_at": min(moments, default=None) if is_ahead else None,
        "held_back": [hold._asdict() for hold in held(settings, engine, now)] if goes and is_ahead else [],
        "journeys": told_of,
        "saved_by": row.saved_by,
        "approved_by": row.approved_by,
        "approval_above": settings.approval_above,
    }


def send_in_child(settings: Settings, name: str, *, said: Callable[[str], None]) -> dict[str, Any]:
    """Run `millstream campaign send NAME --unattended` to its end; what it answered with `--json`.

    The child ends with this process, however that ends. What it says goes to its log and to `said`.

    Raises:
        MillstreamError: the sender failed; the message is its own.
    """
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", _COMMAND, "campaign", "send", name, "--unattended", "--json"]
    last = ""
    with (
        TemporaryFile("w+", encoding="utf-8") as answer,
        (settings.logs_dir / f"send-{name}.log").open("a", encoding="utf-8") as log,
        subprocess.Popen(
            tied(command),
            env={**os.environ, **settings.environment()},
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            for line in process.stderr or ():
                log.write(line)
                log.flush()
                last = line.strip() or last
                said(line.rstrip())
            code = process.wait()
        finally:
            _end(process)
        if code != 0:
            raise MillstreamError(last or f"the sender of {name} ended with code {code}.")
        answer.seek(0)
        found: dict[str, Any] = json.load(answer)
    return found


def _end(process: subprocess.Popen[str]) -> None:
    """Ask for the end between two mails where it still runs, and wait for it."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        if process.poll() is None:
            process.kill()
            process.wait()
