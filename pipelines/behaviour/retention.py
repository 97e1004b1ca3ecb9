"""Who comes back: cohorts by the period of one event, and their returns by another.

Row r of the matrix is the cohort of period r; column k counts those of it who returned k periods
later, column 0 the cohort itself; null where the period lies beyond the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field, StrictInt, model_validator

from pipelines.behaviour.documents import Day, Document, Zone, end_of, parse
from pipelines.behaviour.facts import facts_in
from pipelines.behaviour.periods import Periods, day_of, earlier, known_by
from pipelines.behaviour.query import Aggregation, EventName, check_identity
from pipelines.behaviour.rows import accounts_sql, named_sql, source_sql, subject_sql, traits_sql
from pipelines.conditions import Bindings, Where, where_sql
from pipelines.warehouse.writer import Connection


class RetentionQuery(Document):
    """A retention question; an event null is any event. `date_to` left out is the day of the last event.

    `where` is about every event, `target_where` and `returning_where` about one of the two.
    """

    target_event: EventName | None = None
    target_where: Where = Field(default_factory=list)
    returning_event: EventName | None = None
    returning_where: Where = Field(default_factory=list)
    type: Literal["recurring", "first_time"] = "recurring"
    period: Literal["day", "week", "month"] = "day"
    intervals: Annotated[StrictInt, Field(ge=1, le=400)] = 11
    date_to: Day | None = None
    timezone: Zone = "UTC"
    where: Where = Field(default_factory=list)
    aggregate_by: Aggregation = "user"

    @model_validator(mode="after")
    def _can_be_meant(self) -> RetentionQuery:
        check_identity(self.aggregate_by, self.facts)
        return self

    @property
    def facts(self) -> list[str]:
        """The facts of Stripe and of mails that it asks for."""
        return facts_in((self.target_event, self.returning_event))


@dataclass(frozen=True)
class RetentionAnswer:
    """The answer to one retention query."""

    query: RetentionQuery
    cohort_starts: list[str]
    matrix: list[list[int | None]]

    def document(self, known_until: datetime) -> dict[str, Any]:
        """The answer as `millstream retention --json` prints it; events are known up to `known_until` (UTC)."""
        query = self.query.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {
            "kind": "retention",
            "query": query,
            "matrix": self.matrix,
            "cohort_starts": self.cohort_starts,
            "is_over": self.whole(known_until),
            "average": self.average(known_until),
        }

    def whole(self, known_until: datetime) -> list[bool]:
        """By period, whether it was over at `known_until` (UTC) and was looked at to its end."""
        if not self.cohort_starts:
            return []
        query = self.query
        first, last = (date.fromisoformat(self.cohort_starts[end]) for end in (0, -1))
        stretch = Periods(first, last, query.period, query.timezone)
        until = known_by(known_until, query.date_to, query.timezone)
        return [end <= until for end in (*stretch.begins[1:], stretch.end)]

    def average(self, known_until: datetime) -> list[float | None]:
        """By column, the share of all people who came back: cohorts weigh by their size, whole periods count."""
        whole = self.whole(known_until)
        found: list[float | None] = []
        for column in range(len(whole)):
            cells = [
                (row[0], row[column])
                for number, row in enumerate(self.matrix[: len(whole) - column])
                if column == 0 or whole[number + column]
            ]
            people = sum(size or 0 for size, _ in cells)
            found.append(sum(back or 0 for _, back in cells) / people if people else None)
        return found


def parse_retention(document: Mapping[str, Any], *, timezone: str = "UTC") -> RetentionQuery:
    """A query document as a question that can be answered; `timezone` is used where it names none.

    Raises:
        UsageError: with the path of the field that can not be meant.
    """
    return parse(RetentionQuery, {"timezone": timezone, **document})


def retention(connection: Connection, relation: str, query: RetentionQuery) -> RetentionAnswer:
    """Answer a retention question over a relation of events (its shape: see `matching`).

    Who comes back is what the question counts: people, or accounts, or whatever `aggregate_by` names.
    """
    bindings = Bindings()
    facts = query.facts
    until = "" if query.date_to is None else f"and event_at < {bindings.add(end_of(query.date_to, query.timezone))}"
    is_target, is_return = (
        f"({named_sql(event, facts, bindings)} and {where_sql(part, bindings)})"
        for event, part in ((query.target_event, query.target_where), (query.returning_event, query.returning_where))
    )
    where, subject = where_sql(query.where, bindings), subject_sql(query.aggregate_by, bindings)
    source = source_sql(connection, relation, query.aggregate_by, facts, bindings)
    joins = traits_sql(connection, relation, bindings) + accounts_sql(relation, query.aggregate_by)
    sql = f"""
        select {subject} as person_id, epoch_us(event_at) as moment, {is_target} as is_target, {is_return} as is_return
        from ({source}) as rows {joins}
        where rows.person_id is not null and {subject} is not null and (is_target or is_return) and {where} {until}
    """
    events = connection.execute(sql, bindings.values).pl()
    last = _last_day(query, events)
    if last is None:
        return RetentionAnswer(query, [], [])
    periods = Periods(earlier(last, query.period, query.intervals - 1), last, query.period, query.timezone)
    counts = {(row, column): count for row, column, count in _counts(events, periods, query).iter_rows()}
    matrix = [
        [counts.get((row, column), 0) if row + column < query.intervals else None for column in range(query.intervals)]
        for row in range(query.intervals)
    ]
    return RetentionAnswer(query, periods.labels, matrix)


def _last_day(query: RetentionQuery, events: pl.DataFrame) -> date | None:
    moment = events["moment"].max()
    return query.date_to or (day_of(moment, query.timezone) if isinstance(moment, int) else None)


def _counts(events: pl.DataFrame, periods: Periods, query: RetentionQuery) -> pl.DataFrame:
    """`cohort, later, people` over the periods."""
    targets = events.filter("is_target").select("person_id", "moment")
    if query.type == "first_time":
        targets = targets.group_by("person_id").agg(pl.col("moment").min())
    cohorts = _numbered(targets, periods).rename({"period": "cohort"})
    returns = _numbered(events.filter("is_return").select("person_id", "moment"), periods)
    back = cohorts.join(returns, on="person_id").filter(pl.col("period") > pl.col("cohort"))
    there = pl.concat([cohorts.with_columns(period=pl.col("cohort")), back])
    later = (pl.col("period") - pl.col("cohort")).alias("later")
    return there.group_by("cohort", later).agg(pl.len().alias("people"))


def _numbered(moments: pl.DataFrame, periods: Periods) -> pl.DataFrame:
    """`person_id, period`, each once, for moments inside the periods."""
    inside = moments.filter(pl.col("moment").is_between(periods.begins[0], periods.end, closed="left"))
    number = pl.Series("period", periods.begins).search_sorted(inside["moment"], side="right").cast(pl.Int64) - 1
    return inside.select("person_id", period=number).unique()
