"""The occurrences of a campaign: which is waited for, which is due, what became of each.

`waiting -> planned -> sending -> done | missed | cancelled`. One of a recurring campaign waits at a
time; planning it writes down the next one, and those that passed meanwhile as `missed`. Each change
lies in the transaction of whoever makes it, so after a crash the same question has the same answer.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, delete, exists, func, insert, or_, select, update

from pipelines.campaigns.document import Schedule
from pipelines.campaigns.states import OPEN, find, frozen, move
from pipelines.campaigns.timing import Timing, due_time, named
from pipelines.documents import problems
from pipelines.errors import MillstreamError, UsageError
from pipelines.settings import Settings
from pipelines.state import reading, record, writing
from pipelines.state.tables import campaigns, cursors, occurrences, recipients

LATE = "late"
"""Why an occurrence, or a recipient of it, was not mailed: its time had passed."""


class Due(NamedTuple):
    """What is to be done now: `plan` an occurrence (and send it), or only `send` on what is planned."""

    campaign: str
    occurrence: str
    action: Literal["plan", "send"]
    due_at: datetime


def schedule(
    engine: Engine,
    settings: Settings,
    name: str,
    now: datetime,
    *,
    at: str | None = None,
    timezone: str | None = None,
    actor: str = "cli",
    refuse_late: bool = True,
) -> Due:
    """Let an approved campaign go out by itself, as its document says or `at` this time; what waits now.

    A campaign that waits already is given its new time. The zone is fixed here: a reporting zone that is set
    to another one later moves nothing. Without `refuse_late` a time that is over is taken, and then missed.

    Raises:
        UsageError: no such campaign, no time that can be meant, or one that is over for everybody.
        MillstreamError: the campaign is not approved, or was changed behind the product's back.
    """
    with writing(engine) as connection:
        state, document = find(connection, name).state, frozen(connection, name).document
        if state not in ("approved", "scheduled"):
            raise MillstreamError(f"campaign {name} is {state}, not approved. Nothing was changed.")
        kept = _meant(document.schedule, at, timezone, settings)
        if kept is None:
            raise UsageError(
                f"campaign {name} has no 'schedule'. Nothing was changed. "
                f"Write `millstream campaign schedule {name} --at 2026-11-27T09:00 --timezone Europe/Berlin`."
            )
        told = Timing(kept)
        due_at = next(told.due(now))
        if refuse_late and kept.at is not None and told.is_past(due_at, now):
            raise UsageError(f"{kept.at} ({kept.timezone}) is over. Nothing was changed. Give a later time with --at.")
        _wait(connection, name, kept, due_at, now, actor)
    return Due(name, named(due_at), "plan", due_at)


def _meant(told: Schedule | None, at: str | None, timezone: str | None, settings: Settings) -> Schedule | None:
    """The schedule that the document and the options make together, its zone named."""
    values: dict[str, Any] = {} if told is None else told.model_dump(exclude_none=True)
    if at is not None:
        values = {"at": at, **{key: values[key] for key in ("timezone", "max_lateness") if key in values}}
        if (moment := _with_zone(at)) is not None:
            if timezone is not None:
                raise UsageError(f"--at {at} names its zone already; leave --timezone out. Nothing was changed.")
            values |= {"at": moment.strftime("%Y-%m-%dT%H:%M"), "timezone": "UTC"}
    if timezone is not None:
        values["timezone"] = timezone
    if not {"at", "cron"} & set(values):
        return None
    try:
        return Schedule.model_validate({"timezone": settings.reporting_timezone, **values})
    except ValidationError as error:
        raise problems(error, "schedule", end="Nothing was changed.") from None


def _with_zone(at: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC)


def _wait(connection: Connection, name: str, kept: Schedule, due_at: datetime, now: datetime, actor: str) -> None:
    occurrence = named(due_at)
    if find(connection, name).state == "scheduled":
        connection.execute(delete(occurrences).where(_of(name), occurrences.c.state == "waiting"))
    else:
        move(connection, name, "scheduled", now=now, actor=actor)
    if _row(connection, name, occurrence) is not None:
        raise UsageError(f"campaign {name} had its occurrence {occurrence} already. Nothing was changed.")
    connection.execute(delete(cursors).where(cursors.c.name == _place(name)))
    value = json.dumps({"campaign": name, "schedule": kept.model_dump(exclude_none=True)}, sort_keys=True)
    connection.execute(insert(cursors).values(name=_place(name), value=value, updated_at=now))
    connection.execute(insert(occurrences).values(_waiting(name, due_at)))
    details: dict[str, object] = {"occurrence": occurrence, **kept.model_dump(exclude_none=True)}
    record(connection, at=now, actor=actor, action="campaign.schedule", subject=name, details=details)


def _place(name: str) -> str:
    """Where the schedule of a campaign is kept; a name of a hundred letters would not fit with a word before it."""
    return f"schedule/{hashlib.sha256(name.encode()).hexdigest()}"


def timing_of(connection: Connection, name: str) -> Timing | None:
    """The schedule that this campaign was given; None where it was not scheduled."""
    kept = connection.scalar(select(cursors.c.value).where(cursors.c.name == _place(name)))
    return None if kept is None else Timing(Schedule.model_validate(json.loads(kept)["schedule"]))


def due(engine: Engine, now: datetime) -> list[Due]:
    """What every campaign has to do now, the longest due first; changes nothing.

    One campaign may stand here twice: an occurrence that is to be planned, and an earlier one to send on.
    """
    with reading(engine) as connection:
        found = [
            *(one for name in _names(connection, "scheduled", "sending") for one in due_of(connection, name, now)),
            *(one for name in _names(connection, "sending") for one in _to_send(connection, name, now)),
        ]
    return sorted(found, key=lambda one: (one.due_at, one.campaign, one.action))


def _names(connection: Connection, *states: str) -> list[str]:
    return list(connection.scalars(select(campaigns.c.name).where(campaigns.c.state.in_(states))))


def due_of(connection: Connection, name: str, now: datetime) -> list[Due]:
    """The occurrence of one campaign that is to be planned now: of several that passed, the most recent one."""
    row = _first_waiting(connection, name)
    if row is None or row.due_at > now:
        return []
    kept = timing_of(connection, name)
    due_at = row.due_at if kept is None else kept.until(row.due_at, now)[-1]
    return [Due(name, named(due_at) if kept else row.occurrence, "plan", due_at)]


def _to_send(connection: Connection, name: str, now: datetime) -> list[Due]:
    rows = connection.execute(
        select(occurrences).where(_of(name), occurrences.c.state.in_(("planned", "sending")))
    ).all()
    left = [row for row in rows if _has_work(connection, name, row.occurrence, now)]
    return [Due(name, row.occurrence, "send", row.due_at) for row in left]


def _has_work(connection: Connection, name: str, occurrence: str, now: datetime) -> bool:
    """Whether a sender would find something to do: a mail that may leave, or an end that is not written down."""
    mine = (recipients.c.campaign == name, recipients.c.occurrence == occurrence, recipients.c.state.in_(OPEN))
    ready = or_(recipients.c.not_before.is_(None), recipients.c.not_before <= now)
    return bool(connection.scalar(select(exists().where(*mine, ready) | ~exists().where(*mine))))


def occurrences_of(engine: Engine, name: str) -> list[dict[str, Any]]:
    """Every occurrence of a campaign with its state, in the order of time."""
    columns = (occurrences.c[key] for key in ("occurrence", "due_at", "state", "reason", "planned_at", "done_at"))
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).where(_of(name)).order_by(occurrences.c.due_at)).mappings().all()
    return [dict(row) for row in rows]


def begin(connection: Connection, name: str, occurrence: str, now: datetime, *, snapshot: int, late: bool) -> None:
    """Mark an occurrence as planned (or missed where it is `late`), and let the next one wait.

    Raises:
        MillstreamError: it is not its turn.
    """
    waiting, kept = _first_waiting(connection, name), timing_of(connection, name)
    values: dict[str, Any] = {"state": "planned", "reason": None, "planned_at": now, "snapshot": snapshot}
    if late:
        values |= {"state": "missed", "reason": LATE, "done_at": now}
    if waiting is None or kept is None or due_time(occurrence) is None:
        _put(connection, name, occurrence, due_time(occurrence) or now, values)
        return
    passed = kept.until(waiting.due_at, now)
    if waiting.due_at > now or occurrence != named(passed[-1]):
        raise MillstreamError(f"campaign {name}: {occurrence} is not due. Nothing was planned.")
    missed = {"state": "missed", "reason": LATE, "done_at": now}
    for due_at in passed[:-1]:
        _put(connection, name, named(due_at), due_at, missed)
    _put(connection, name, occurrence, passed[-1], values)
    if kept.schedule.cron is not None:
        connection.execute(insert(occurrences).values(_waiting(name, next(kept.due(passed[-1])))))


def planned(connection: Connection, name: str, occurrence: str) -> bool:
    """Whether the audience of this occurrence was frozen before, or nobody will be mailed for it."""
    row = _row(connection, name, occurrence)
    mine = exists().where(recipients.c.campaign == name, recipients.c.occurrence == occurrence)
    return (row is not None and row.state != "waiting") or bool(connection.scalar(select(mine)))


def settled(connection: Connection, name: str, now: datetime) -> str:
    """Close what has come to its end, in the caller's transaction; the campaign's state afterwards.

    The sender calls it when it finds nothing more to do. A campaign with open recipients goes on `sending`;
    else it is `scheduled` for its next occurrence, `sent`, or where all of it came too late `cancelled`.
    """
    state = str(find(connection, name).state)
    if state != "sending":
        return state
    mine = recipients.c.campaign == name
    open_: set[str] = set(
        connection.scalars(select(recipients.c.occurrence).where(mine, recipients.c.state.in_(OPEN)).distinct())
    )
    working = select(occurrences.c.occurrence).where(_of(name), occurrences.c.state.in_(("planned", "sending")))
    names: list[str] = list(connection.scalars(working))
    for occurrence in names:
        row = update(occurrences).where(_of(name), occurrences.c.occurrence == occurrence)
        if occurrence in open_:
            connection.execute(row.values(state="sending"))
        elif _came_too_late(connection, name, occurrence):
            connection.execute(row.values(state="missed", reason=LATE, done_at=now))
        else:
            connection.execute(row.values(state="done", done_at=now))
    if open_:
        return "sending"
    return close(connection, name, now, actor="sender")


def close(connection: Connection, name: str, now: datetime, *, actor: str) -> str:
    """Bring a campaign of which nothing is planned any more where it belongs; returns that state."""
    states: set[str] = set(connection.scalars(select(occurrences.c.state).where(_of(name)).distinct()))
    recurs = frozen(connection, name).document.trigger is not None
    if recurs or "waiting" in states:
        to, reason = "scheduled", None
    elif states == {"missed"}:
        to, reason = "cancelled", LATE
    else:
        to, reason = "sent", None
    if find(connection, name).state != to:
        move(connection, name, to, now=now, actor=actor, reason=reason)
    return to


def _came_too_late(connection: Connection, name: str, occurrence: str) -> bool:
    """Whether somebody was to be mailed and nobody was, because the time had passed."""
    counted = connection.execute(
        select(recipients.c.state, recipients.c.reason, func.count().label("times"))
        .where(recipients.c.campaign == name, recipients.c.occurrence == occurrence)
        .where(recipients.c.state.not_in(("suppressed", "holdout", "capped")))
        .group_by(recipients.c.state, recipients.c.reason)
    ).all()
    return bool(counted) and all((row.state, row.reason) == ("cancelled", LATE) for row in counted)


def _of(name: str) -> Any:
    return occurrences.c.campaign == name


def _row(connection: Connection, name: str, occurrence: str) -> Any:
    return connection.execute(select(occurrences).where(_of(name), occurrences.c.occurrence == occurrence)).first()


def _first_waiting(connection: Connection, name: str) -> Any:
    mine = select(occurrences).where(_of(name), occurrences.c.state == "waiting")
    return connection.execute(mine.order_by(occurrences.c.due_at).limit(1)).first()


def _waiting(name: str, due_at: datetime) -> dict[str, Any]:
    return {"campaign": name, "occurrence": named(due_at), "due_at": due_at, "state": "waiting"}


def _put(connection: Connection, name: str, occurrence: str, due_at: datetime, values: dict[str, Any]) -> None:
    mine = update(occurrences).where(_of(name), occurrences.c.occurrence == occurrence)
    if connection.execute(mine.values(**values)).rowcount == 0:
        new = {"campaign": name, "occurrence": occurrence, "due_at": due_at, **values}
        connection.execute(insert(occurrences).values(**new))
