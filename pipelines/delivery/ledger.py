"""The recipient ledger: every step of a mail is part of a transaction that is on disk when it returns.

`planned -> claimed -> in_flight -> accepted | rejected | retry_wait | ambiguous`, for all occurrences
of one campaign. A row moves only from the state it is expected in and only by its owner, so a
cancelled or lost row is never mailed. Several rows share a transaction, and so one wait for the disk.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, Update, and_, bindparam, func, or_, select, update

from pipelines.delivery.limits import Gate
from pipelines.faults import fault_point
from pipelines.mail import Handover
from pipelines.state import reading, writing
from pipelines.state.tables import campaigns, recipients

WAITING = ("planned", "retry_wait")
"""States from which a recipient may be claimed."""
LEFT = ("accepted", "rejected", "ambiguous")
"""States of mails that were handed over."""
_columns = recipients.c
_ASKED = [
    _columns[name]
    for name in (
        "dedupe_key", "occurrence", "step", "address", "address_key", "variables", "variant", "state", "attempt",
        "timezone", "not_after",
    )
]  # fmt: skip
_STATE = select(campaigns.c.state).where(campaigns.c.name == bindparam("campaign"))
# Statements that run for every few mails are made once: making one costs more than running it.
_THESE = _columns.dedupe_key.in_(bindparam("keys", expanding=True))
# By their keys alone: with the campaign in it, SQLite would look through all of the campaign.
_DUE = select(*_ASKED).where(_THESE, _columns.state.in_(WAITING))
_MINE = select(*_ASKED).where(_THESE, _columns.state == "claimed", _columns.owner == bindparam("by"))
_CLAIM = update(recipients).where(_THESE).values(state="claimed", owner=bindparam("by"))
_TAKE_OFF = (
    update(recipients)
    .where(_THESE)
    .values(state="in_flight", attempt=_columns.attempt + 1, in_flight_at=bindparam("now"))
)
_BACK = {"not_sent": "retry_wait", "later": "retry_wait", "refused": "planned"}
"""What becomes of a mail that the mailer did not take, and that may be tried again."""


class Claimed(NamedTuple):
    """A recipient that this sender took."""

    key: str
    occurrence: str
    step: str
    address: str
    address_key: str
    variables: Mapping[str, Any]
    variant: str
    attempt: int


class Landed(NamedTuple):
    """What became of a mail that this sender had in hand."""

    row: Claimed
    result: Handover
    was: str = "in_flight"


class Ledger:
    """The rows of one campaign, for the owner who holds the senders' lock."""

    def __init__(self, engine: Engine, gate: Gate, campaign: str, owner: str) -> None:
        self.engine, self.gate, self.campaign, self.owner = engine, gate, campaign, owner
        self.turned_away: Counter[str] = Counter()
        self._mine = _columns.campaign == campaign

    def due(self, now: datetime, size: int) -> list[str]:
        """The keys of up to `size` recipients who may be claimed now."""
        is_due = or_(_columns.not_before.is_(None), _columns.not_before <= now)
        # No order: the index gives the next ones without looking at all that are left.
        found = select(_columns.dedupe_key).where(self._mine, _columns.state.in_(WAITING), is_due).limit(size)
        with reading(self.engine) as connection:
            return list(connection.scalars(found))

    def is_sending(self, connection: Connection) -> bool:
        """Whether the campaign still is; without its bodies, which may be long."""
        return connection.execute(_STATE, {"campaign": self.campaign}).scalar() == "sending"

    def claim(self, keys: Sequence[str], now: datetime) -> list[Claimed] | None:
        """Take these recipients, but for those who may not be mailed (now); None where nobody is to be mailed."""
        with writing(self.engine) as connection:
            if not self.is_sending(connection):
                return None
            rows = _rows(connection, _DUE, {"keys": list(keys)})
            rows = self._who_may(connection, rows, now)
            connection.execute(_CLAIM, {"keys": [row.dedupe_key for row in rows], "by": self.owner})
            fault_point("sender.before_claim")
        return [_claimed(row) for row in rows]

    def step(self, landed: Sequence[Landed], leaving: Sequence[Claimed], now: datetime) -> set[str] | None:
        """Write down what became of some mails and mark others `in_flight`, in one transaction.

        Returns the keys of those that may be handed over: everything that can change meanwhile (the
        campaign's state, consent, suppression, limits) was asked in that transaction. None where
        nobody is to be mailed any more.
        """
        with writing(self.engine) as connection:
            _change(connection, [_settled(one, now) for one in landed], owner=self.owner)
            taken = self._take_off(connection, leaving, now) if leaving else set()
            if any(one.result.outcome == "accepted" for one in landed):
                fault_point("sender.before_accepted")
            if taken:
                fault_point("sender.before_in_flight")
        return taken

    def _take_off(self, connection: Connection, leaving: Sequence[Claimed], now: datetime) -> set[str] | None:
        if not self.is_sending(connection):
            return None
        rows = _rows(connection, _MINE, {"keys": [row.key for row in leaving], "by": self.owner})
        rows = self._who_may(connection, rows, now, leaving=True)
        connection.execute(_TAKE_OFF, {"keys": [row.dedupe_key for row in rows], "now": now})
        return {row.dedupe_key for row in rows}

    def _who_may(
        self, connection: Connection, rows: Sequence[Row[Any]], now: datetime, *, leaving: bool = False
    ) -> list[Row[Any]]:
        away = self.gate.turned_away(connection, rows, now, leaving=leaving)
        _change(
            connection, [(row.dedupe_key, row.state, away[row.dedupe_key]) for row in rows if row.dedupe_key in away]
        )
        self.turned_away.update(str(values["state"]) for values in away.values())
        return [row for row in rows if row.dedupe_key not in away]

    def release(self) -> None:
        """Put back what this sender claimed and did not begin."""
        begun = and_(self._mine, _columns.owner == self.owner, _columns.state == "claimed")
        with writing(self.engine) as connection:
            connection.execute(update(recipients).where(begun).values(state="planned", owner=None))

    def wake(self, until: datetime) -> None:
        """A rest is over: whoever waits for it, by a clock that may have jumped meanwhile, is due."""
        resting = and_(self._mine, _columns.state == "retry_wait", _columns.not_before <= until)
        with writing(self.engine) as connection:
            connection.execute(update(recipients).where(resting).values(not_before=None))

    def resting_until(self) -> datetime | None:
        """Until when the mailer had asked a sender before this one to leave it alone, if it did."""
        found = select(func.max(_columns.not_before)).where(self._mine, _columns.state == "retry_wait")
        with reading(self.engine) as connection:
            until: datetime | None = connection.execute(found).scalar()
        return until

    def left_since(self, moment: datetime) -> dict[datetime, int]:
        """How many mails left at which moment since then, whichever sender handed them over."""
        mails = and_(self._mine, _columns.state.in_(LEFT), _columns.in_flight_at > moment)
        counted = select(_columns.in_flight_at, func.count()).where(mails).group_by(_columns.in_flight_at)
        with reading(self.engine) as connection:
            return {row[0]: row[1] for row in connection.execute(counted)}

    def waiting(self) -> tuple[int, datetime | None]:
        """How many wait for a later time, and until when the first of them does."""
        found = select(func.count(), func.min(_columns.not_before)).where(self._mine, _columns.state.in_(WAITING))
        with reading(self.engine) as connection:
            row = connection.execute(found).one()
        return row[0], row[1]


def recover(engine: Engine, campaign: str, now: datetime) -> int:
    """Take over from a dead sender; returns how many mails it left in doubt. Needs the senders' lock."""
    mine = _columns.campaign == campaign
    with writing(engine) as connection:
        connection.execute(
            update(recipients).where(mine, _columns.state == "claimed").values(state="planned", owner=None)
        )
        doubtful = update(recipients).where(mine, _columns.state == "in_flight")
        return connection.execute(
            doubtful.values(state="ambiguous", reason="sender_ended_in_flight", done_at=now)
        ).rowcount


def states(connection: Connection, campaign: str) -> dict[str, int]:
    """How many recipients are in each state."""
    counted = select(_columns.state, func.count().label("times")).where(_columns.campaign == campaign)
    rows = connection.execute(counted.group_by(_columns.state)).all()
    return {row.state: row.times for row in rows}


def accepted_since(connection: Connection, campaign: str, moment: datetime) -> int:
    """How many mails that left since then were accepted."""
    mails = and_(_columns.campaign == campaign, _columns.state == "accepted", _columns.in_flight_at >= moment)
    return connection.execute(select(func.count()).where(mails)).scalar_one()


def minute_before(moment: datetime) -> datetime:
    """The begin of the minute that ends now."""
    return moment - timedelta(minutes=1)


def _rows(connection: Connection, chosen: Select[Any], asked: dict[str, Any]) -> list[Row[Any]]:
    """The chosen rows, in the order of their keys."""
    found = {row.dedupe_key: row for row in connection.execute(chosen, asked)}
    return [found[key] for key in asked["keys"] if key in found]


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(
        key=row.dedupe_key,
        occurrence=row.occurrence,
        step=row.step,
        address=row.address,
        address_key=row.address_key,
        variables=json.loads(row.variables),
        variant=row.variant,
        attempt=row.attempt + 1,
    )


def _settled(landed: Landed, now: datetime) -> tuple[str, str, dict[str, object]]:
    result = landed.result
    values: dict[str, object] = {"reason": result.reason, "status": result.status}
    if (back := _BACK.get(result.outcome)) is not None:
        # What did not leave counts neither for the rate nor for the cap.
        values |= {"state": back, "owner": None, "not_before": result.retry_at, "in_flight_at": None}
    else:
        values |= {"state": result.outcome, "message_id": result.message_id, "done_at": now}
    return landed.row.key, landed.was, values


def _change(
    connection: Connection, changes: Iterable[tuple[str, str, Mapping[str, object]]], owner: str | None = None
) -> None:
    """Move each row (key, state it has to be in, new values); those with the same columns in one statement."""
    alike: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for key, was, values in changes:
        row = {"b_key": key, "b_was": was, **values}
        alike.setdefault(tuple(values), []).append(row if owner is None else {**row, "b_owner": owner})
    for columns, rows in alike.items():
        connection.execute(_moved(columns, is_owned=owner is not None), rows)


@cache
def _moved(columns: tuple[str, ...], *, is_owned: bool) -> Update:
    """The statement that gives a row, if it is in the expected state (and its owner's), these columns."""
    same = [_columns.dedupe_key == bindparam("b_key"), _columns.state == bindparam("b_was")]
    if is_owned:
        same.append(_columns.owner == bindparam("b_owner"))
    return update(recipients).where(*same).values({name: bindparam(name) for name in columns})
