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
from pydantic import Field, StrictInt

from pipelines.behaviour.conditions import Bindings, Where, where_sql
from pipelines.behaviour.documents import Day, Document, Zone, end_of, parse
from pipelines.behaviour.matching import match_sql, relation_sql
from pipelines.behaviour.periods import Periods, day_of, earlier, known_by
from pipelines.behaviour.query import Aggregation, Name
from pipelines.behaviour.rows import traits_sql
from pipelines.errors import UsageError
from pipelines.warehouse.writer import Connection


class RetentionQuery(Document):
    """A retention question; an event null is any event. `date_to` left out is the day of the last event.

    `where` is about every event, `target_where` and `returning_where` about one of the two.
    """

    target_event: Name | None = None
    target_where: Where = Field(default_factory=list)
    returning_event: Name | None = None
    returning_where: Where = Field(default_factory=list)
    type: Literal["recurring", "first_time"] = "recurring"
    period: Literal["day", "week", "month"] = "day"
    intervals: Annotated[StrictInt, Field(ge=1, le=400)] = 11
    date_to: Day | None = None
    timezone: Zone = "UTC"
    where: Where = Field(default_factory=list)
    aggregate_by: Aggregation = "user"


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
        UsageError: with the path of the field that can not be meant, or is not answered yet.
    """
    query = parse(RetentionQuery, {"timezone": timezone, **document})
    if query.aggregate_by != "user":
        raise UsageError(f"query: aggregate_by: {query.aggregate_by} is not supported yet")
    return query


def retention(connection: Connection, relation: str, query: RetentionQuery) -> RetentionAnswer:
    """Answer a retention question over a relation of events (its shape: see `matching`)."""
    bindings = Bindings()
    until = "" if query.date_to is None else f"and event_at < {bindings.add(end_of(query.date_to, query.timezone))}"
    columns = f"""
        {match_sql(query.target_event, query.target_where, bindings)} as is_target,
        {match_sql(query.returning_event, query.returning_where, bindings)} as is_return
    """
    where = where_sql(query.where, bindings)
    sql = f"""
        select rows.person_id, epoch_us(event_at) as moment, {columns}
        from {relation_sql(relation)} as rows {traits_sql(connection, relation, bindings)}
        where rows.person_id is not null and (is_target or is_return) and {where} {until}
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
