"""What a question goes to: the events of a snapshot or of files, and how far they are known.

The command line and the API both open a snapshot here, and read an answer as a document here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.behaviour.answer import FunnelAnswer
from pipelines.behaviour.conversion import ConversionAnswer, time_to_convert
from pipelines.behaviour.funnels import funnel
from pipelines.behaviour.query import FunnelQuery
from pipelines.behaviour.trends import TrendsAnswer, funnel_trends
from pipelines.errors import NotPublishedError, UsageError
from pipelines.warehouse.writer import Connection

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

EVENTS = "marts.fct_events"


class Asked(NamedTuple):
    """The events that a question goes to."""

    connection: Connection
    relation: str
    as_of: datetime | None
    """The snapshot's moment; None for event files."""

    def known_until(self) -> datetime:
        """Up to when events are known: the snapshot's moment, or that of the last event in the files."""
        if self.as_of is not None:
            return self.as_of
        last = self.connection.execute(f"select max(event_at) from {self.relation}").fetchall()[0][0]
        return last if isinstance(last, datetime) else datetime.fromtimestamp(0, UTC)


@contextmanager
def published_events(snapshot: Snapshot | None) -> Iterator[Asked]:
    """The events of a snapshot, for one question.

    Raises:
        NotPublishedError: there is none, or it has no events.
    """
    if snapshot is None or not snapshot.has(EVENTS):
        raise NotPublishedError(
            "no events have been published yet. Load some (`millstream ingest events PATH`) and run "
            "`millstream run`, or ask files at once with --events PATH."
        )
    cursor = snapshot.cursor()
    try:
        yield Asked(cursor, EVENTS, snapshot.as_of)
    finally:
        cursor.close()


def check_users(question: FunnelQuery, users: bool) -> None:
    """Refuse to list people where no step could list them.

    Raises:
        UsageError: the kind of funnel has no steps in its answer.
    """
    if users and question.kind != "funnel_steps":
        raise UsageError(f"--users lists people by step; kind {question.kind} has none")


def funnel_of_kind(
    asked: Asked, question: FunnelQuery, *, users: bool = False
) -> FunnelAnswer | TrendsAnswer | ConversionAnswer:
    """Answer a funnel of any kind; `users` lists the people of every step."""
    check_users(question, users)
    if question.kind == "funnel_trends":
        return funnel_trends(asked.connection, asked.relation, question)
    if question.kind == "funnel_time_to_convert":
        return time_to_convert(asked.connection, asked.relation, question)
    return funnel(asked.connection, asked.relation, question, users=users)


def funnel_document(asked: Asked, answer: FunnelAnswer | TrendsAnswer | ConversionAnswer) -> dict[str, Any]:
    """The document of `millstream funnel --json`."""
    return answer.document(asked.known_until()) if isinstance(answer, TrendsAnswer) else answer.document()
