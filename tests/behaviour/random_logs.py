"""Random logs for the questions about many events: ties, gaps of every size, days on which the clocks change.

`Happened.local` and what stands beside it read a moment by the calendar of a zone, without the product's periods.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

if TYPE_CHECKING:
    import duckdb

# Two nights before the clocks of Berlin go forward, and a Thursday: weeks and months end inside.
START = datetime(2026, 3, 26, 22, tzinfo=UTC)
ZONES = st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"))
AMOUNTS = (None, 1, 2.5, "3", "-0.1", 0.2, 1e30, "much", True)
COLOURS = (None, "red", "blue", "other", "' or 1=1 --", "7")
CREATE = """
    create or replace table events (
        event_id varchar, person_id varchar, type varchar, event varchar, event_at timestamp, properties json,
        context json
    )
"""


class Happened(NamedTuple):
    """One event; `id` orders those of one instant."""

    id: str
    person: str
    type: str
    name: str
    at: datetime
    amount: object
    colour: str | None

    @property
    def own_account(self) -> str | None:
        """The account that its context names."""
        return self.colour if self.type == "screen" else None

    def local(self, zone: str) -> date:
        """Its day."""
        return self.at.astimezone(ZoneInfo(zone)).date()


def logs(step: timedelta, steps: int, *, least: int = 0, most: int = 14) -> st.SearchStrategy[list[Happened]]:
    """Logs of `least` to `most` events of three people, at multiples of `step` after the start."""
    one = st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(("track", "track", "page", "screen", "group", "identify")),
        st.sampled_from(("A", "B", "C; drop table events --")),
        st.integers(0, steps),
        st.sampled_from(AMOUNTS),
        st.sampled_from(COLOURS),
        st.integers(0, 99),
    )
    return st.lists(one, min_size=least, max_size=most).map(
        lambda drawn: [
            Happened(f"{order:02}-{number}", person, kind, name, START + step * at, amount, colour)
            for number, (person, kind, name, at, amount, colour, order) in enumerate(drawn)
        ]
    )


def fill(connection: duckdb.DuckDBPyConnection, log: Iterable[Happened]) -> None:
    """Make the relation `events` hold this log and nothing else."""
    connection.execute("delete from events")
    rows = [
        (
            one.id,
            one.person,
            one.type,
            one.name,
            one.at.replace(tzinfo=None),
            json.dumps(
                {"amount": one.amount, "colour": one.colour} | ({"groupId": one.colour} if one.type == "group" else {})
            ),
            json.dumps({"groupId": one.own_account}),
        )
        for one in log
    ]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute("insert into events select " + ", ".join(["unnest(?)"] * len(columns)), columns)


def period_of(day: date, interval: str) -> date:
    """The first day of the day's period."""
    if interval == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if interval == "week" else day


def colour_of(one: Happened, scope: str, log: Iterable[Happened]) -> str | None:
    """The colour of an event, or of its person: what they were last identified with."""
    if scope == "event":
        return one.colour
    told = [e for e in log if e.person == one.person and e.type == "identify"]
    return max(told, key=lambda e: (e.at, e.id)).colour if told else None


BY = st.sampled_from(("user", "user", "account", "event_property:colour", "user_property:colour"))


def subject_of(one: Happened, by: str, log: Iterable[Happened]) -> str | None:
    """What an event counts for: its person, a colour, or the account that its person last joined until then."""
    if by == "user":
        return one.person
    if by != "account":
        return colour_of(one, by.partition("_")[0], log)
    calls = [e for e in log if e.person == one.person and e.type == "group" and e.colour and e.at <= one.at]
    return one.own_account or (max(calls, key=lambda e: (e.at, e.id)).colour if calls else None)
