"""Trends: every answer against counting in Python, and what is marked, named, refused."""

from __future__ import annotations

import operator
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import event_trends, parse_trends
from pipelines.behaviour.formula import parse_formula
from pipelines.errors import UsageError
from tests.behaviour.random_logs import BY, CREATE, START, ZONES, Happened, colour_of, fill, logs, period_of, subject_of

HOUR = timedelta(hours=1)
MEASURES = ("total", "unique", "per_user", "sum", "average", "min", "max", "median", "p90", "p7")
Number = Fraction | float | None


@pytest.fixture(scope="module")
def events() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("set threads = 1")
        connection.execute(CREATE)
        yield connection


def number_of(one: Happened) -> Fraction | None:
    if one.amount is None or isinstance(one.amount, bool):
        return None
    try:
        found = Decimal(str(one.amount))
    except InvalidOperation:
        return None
    return Fraction(found) if abs(found) < 10**18 else None


def measured(found: list[Happened], measure: str, by: Callable[[Happened], str | None]) -> Number:
    """A measure over some events, as its definition reads."""
    people = {by(one) for one in found}
    numbers = sorted(number for one in found if (number := number_of(one)) is not None)
    if measure in ("total", "unique", "sum"):
        return {"total": Fraction(len(found)), "unique": Fraction(len(people)), "sum": sum(numbers, Fraction(0))}[
            measure
        ]
    if measure == "per_user":
        return Fraction(len(found), len(people)) if people else None
    if not numbers:
        return None
    if measure in ("average", "min", "max"):
        return {"average": sum(numbers) / len(numbers), "min": numbers[0], "max": numbers[-1]}[measure]
    place = Fraction(50 if measure == "median" else int(measure[1:]), 100) * (len(numbers) - 1)
    below = int(place)
    above = min(below + 1, len(numbers) - 1)
    return numbers[below] + (numbers[above] - numbers[below]) * (place - below)


Test = Callable[[Happened], bool]
SCOPES = st.sampled_from(("event", "event", "user"))
Slots = list[tuple[str, Test]]


def slots(first: date, last: date, interval: str, zone: str) -> Slots:
    """The periods of some days: a label, and which events lie in it."""
    if interval == "hour":
        begin, end = midnight(first, zone), midnight(last + timedelta(days=1), zone)
        return hours(begin, -((begin - end) // HOUR), zone, end)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def lies_in(label: date) -> Test:
        return lambda one: one.local(zone) in days and period_of(one.local(zone), interval) == label

    return [(label.isoformat(), lies_in(label)) for label in dict.fromkeys(period_of(day, interval) for day in days)]


def midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)


def hours(begin: datetime, count: int, zone: str, end: datetime) -> Slots:
    def lies_in(number: int) -> Test:
        return lambda one: begin + HOUR * number <= one.at < min(begin + HOUR * (number + 1), end)

    starts = [(begin + HOUR * number).astimezone(ZoneInfo(zone)) for number in range(count)]
    return [(start.replace(tzinfo=None).isoformat(), lies_in(number)) for number, start in enumerate(starts)]


def slots_before(first: date, last: date, interval: str, zone: str) -> Slots:
    """The nearest stretch before with as many periods, by trying one distance after the other."""
    if interval == "hour":
        begin, count = midnight(first, zone), len(slots(first, last, interval, zone))
        return hours(begin - HOUR * count, count, zone, begin)
    if interval == "day":
        length = timedelta(days=(last - first).days + 1)
        return slots(first - length, last - length, interval, zone)
    for back in range(1, 99):
        begins, ends = moved(first, interval, back, is_end=False), moved(last, interval, back, is_end=True)
        if ends < first:
            return slots(begins, ends, interval, zone)
    raise AssertionError


def moved(day: date, interval: str, back: int, *, is_end: bool) -> date:
    if interval == "week":
        return day - timedelta(weeks=back)
    first = day.replace(day=1)
    for _ in range(back):
        first = (first - timedelta(days=1)).replace(day=1)
    length = monthrange(first.year, first.month)[1]
    is_last = is_end and day.day == monthrange(day.year, day.month)[1]
    return first.replace(day=length if is_last else min(day.day, length))


SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
Tree = Any


def trees(letters: str) -> st.SearchStrategy[Tree]:
    leaf = st.sampled_from((*letters, "2", "0.5", "0"))
    return st.recursive(leaf, lambda part: st.tuples(st.sampled_from("+-*/"), part, part), max_leaves=5)


def written(tree: Tree) -> str:
    return tree if isinstance(tree, str) else f"({written(tree[1])} {tree[0]}{written(tree[2])})"


def value(tree: Tree, known: dict[str, Number]) -> Number:
    if isinstance(tree, str):
        return known[tree] if tree in known else Fraction(tree)
    left, right = value(tree[1], known), value(tree[2], known)
    if left is None or right is None:
        return None
    if tree[0] == "/":
        return left / right if right else None
    found: Number = SIGNS[tree[0]](left, right)
    return found


class Asked:
    """A random question: as a document, and as what it means."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.interval = draw(st.sampled_from(("hour", "day", "week", "month")))
        self.zone = draw(ZONES)
        first = START.date() + timedelta(days=draw(st.integers(-2, 6)))
        last = first + timedelta(days=draw(st.integers(0, 1 if self.interval == "hour" else 40)))
        self.days = draw(st.sampled_from(((first, last), (None, None), (first, None), (None, last))))
        if self.interval == "hour":
            self.days = first, last
        self.series = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(("A", "B", "C; drop table events --", None)),
                    st.sampled_from(MEASURES),
                    st.sampled_from((None, "red", "' or 1=1 --")),
                    SCOPES,
                ),
                min_size=1,
                max_size=2,
            )
        )
        self.formula = draw(st.none() | trees("AB"[: len(self.series)]))
        self.top = draw(st.sampled_from((None, None, 1, 2, 9)))
        self.scope = draw(SCOPES)
        self.compare = draw(st.booleans())
        self.by = draw(BY)

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "series": [
                {"event": event, "measure": measure}
                | ({"property": "amount"} if measure not in MEASURES[:3] else {})
                | ({"where": [{"property": "colour", "op": "eq", "value": colour, "scope": scope}]} if colour else {})
                for event, measure, colour, scope in self.series
            ],
            "interval": self.interval,
            "timezone": self.zone,
            "compare": self.compare,
            "aggregate_by": self.by,
        }
        names = zip(("date_from", "date_to"), self.days, strict=True)
        found |= {name: day.isoformat() for name, day in names if day is not None}
        found |= {} if self.formula is None else {"formula": written(self.formula)}
        return found | (
            {} if self.top is None else {"breakdown": {"property": "colour", "scope": self.scope, "limit": self.top}}
        )

    def counted(self, log: list[Happened], number: int) -> list[Happened]:
        event, _, colour, scope = self.series[number]
        named = [one for one in log if event in (None, one.name) and subject_of(one, self.by, log) is not None]
        return [one for one in named if colour in (None, colour_of(one, scope, log))]

    def span(self, log: list[Happened]) -> tuple[date, date] | None:
        """The days as asked, else whole periods around all that is counted."""
        days = [one.local(self.zone) for number in range(len(self.series)) for one in self.counted(log, number)]
        if not days and None in self.days:
            return None
        first, last = self.days
        first = first or period_of(min(days), self.interval)
        if last is None:
            last = max(days)
            while period_of(last + timedelta(days=1), self.interval) == period_of(max(days), self.interval):
                last += timedelta(days=1)
        return (first, last) if first <= last else None

    def rows(self, log: list[Happened], periods: Slots, top: list[str | None]) -> dict[str, list[list[Number]]]:
        """By the name of a breakdown's line: a row per series (or the formula's), the whole stretch last."""
        lines: dict[str, Callable[[Any], bool]] = {"all": lambda _: True}
        if self.top is not None:
            lines = {"(none)" if one is None else one: partial(operator.eq, one) for one in top}
            lines["the rest"] = lambda colour: colour not in top
        found = {}
        counted_as = partial(subject_of, by=self.by, log=log)
        for name, belongs in lines.items():
            rows = []
            for number, (_, measure, _, _) in enumerate(self.series):
                mine = [one for one in self.counted(log, number) if belongs(colour_of(one, self.scope, log))]
                cells = [[one for one in mine if lies(one)] for _, lies in periods]
                rows.append(
                    [measured(cell, measure, counted_as) for cell in (*cells, [one for cell in cells for one in cell])]
                )
            if self.formula is not None:
                rows = [
                    [value(self.formula, dict(zip("AB", column, strict=False))) for column in zip(*rows, strict=True)]
                ]
            found[name] = rows
        return found

    def ranked(self, log: list[Happened], periods: Slots) -> list[str | None]:
        if self.top is None:
            return []
        mine = [one for one in self.counted(log, 0) if any(lies(one) for _, lies in periods)]
        by_sum = self.series[0][1] == "sum"

        def size(colour: str | None) -> Number:
            events = [one for one in mine if colour_of(one, self.scope, log) == colour]
            return measured(events, "sum" if by_sum else "total", lambda one: one.person)

        found = {colour_of(one, self.scope, log) for one in mine}
        colours = sorted(found, key=lambda one: (-(size(one) or 0), one is None, one or ""))
        return colours[: self.top]


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    return Asked(draw)


LOGS = logs(timedelta(minutes=30), 300) | logs(timedelta(hours=13), 90)


@settings(max_examples=110, deadline=None)
@given(log=LOGS, asked=st.lists(questions(), min_size=3, max_size=3))
def test_a_trend_is_what_counting_event_by_event_gives(
    events: duckdb.DuckDBPyConnection, log: list[Happened], asked: list[Asked]
) -> None:
    fill(events, log)
    for one in asked:
        check(events, log, one)


def check(events: duckdb.DuckDBPyConnection, log: list[Happened], asked: Asked) -> None:
    answer = event_trends(events, "events", parse_trends(asked.document()))
    days = asked.span(log)
    if days is None:
        assert (answer.periods, answer.lines) == ([], [])
        return
    periods = slots(*days, asked.interval, asked.zone)
    assert [label[:19] for label in answer.periods] == [label for label, _ in periods]
    top = asked.ranked(log, periods)
    now, rows_before = asked.rows(log, periods, top), None
    if asked.compare:
        earlier = slots_before(*days, asked.interval, asked.zone)
        assert [label[:19] for label in answer.previous_periods] == [label for label, _ in earlier]
        rows_before = asked.rows(log, earlier, top)
    lines: dict[str, list[Any]] = {}
    for line in answer.lines:
        name = "the rest" if line.is_other else "(none)" if line.value is None else line.value
        lines.setdefault("all" if asked.top is None else name, []).append(line)
    rest = ({"the rest"} & set(now)) - set(lines)
    assert [*lines, *rest] == list(now)
    for _ in rest:  # Nothing belongs to it, now or before.
        counted = [asked.counted(log, number) for number in range(len(asked.series))]
        known = [*periods, *(earlier if asked.compare else [])]
        assert not [
            e
            for found in counted
            for e in found
            if colour_of(e, asked.scope, log) not in top and any(lies(e) for _, lies in known)
        ]
    for name, own in lines.items():
        for number, line in enumerate(own):
            assert_same([*line.values, line.overall], now[name][number])
            if rows_before is None:
                assert line.previous is None
            else:
                assert_same([*(line.previous or []), line.previous_overall], rows_before[name][number])


def assert_same(found: list[Any], wanted: list[Number]) -> None:
    assert [one is None for one in found] == [one is None for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        if other is not None:
            assert one == pytest.approx(float(other), rel=1e-9, abs=1e-9)


def asked_of(events: duckdb.DuckDBPyConnection, **document: Any) -> dict[str, Any]:
    answer = event_trends(events, "events", parse_trends(document))
    return answer.document(datetime(2026, 4, 1, tzinfo=UTC))


def at(*moments: str, person: str = "ann", name: str = "A", amount: object = None) -> list[Happened]:
    return [
        Happened(f"{person}-{name}-{moment}", person, "track", name, datetime.fromisoformat(moment + "+00:00"), amount, None)
        for moment in moments
    ]  # fmt: skip


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2025-10-26", 25)])
def test_a_day_on_which_the_clocks_change_has_its_own_hours(
    events: duckdb.DuckDBPyConnection, day: str, hours: int
) -> None:
    fill(events, [])
    days = {"date_from": day, "date_to": day, "timezone": "Europe/Berlin"}
    told = asked_of(events, series=[{"event": "A"}], interval="hour", **days)
    assert len(told["periods"]) == len(set(told["periods"])) == hours
    assert told["series"][0]["values"] == [0] * hours


@pytest.mark.parametrize(
    ("interval", "first", "last", "before"),
    [
        ("month", "2026-02-01", "2026-02-28", "2026-01-31"),
        ("month", "2026-03-01", "2026-04-30", "2026-02-28"),
        ("month", "2026-03-01", "2026-03-31", "2026-02-28"),
        ("month", "2026-03-31", "2026-03-31", "2026-02-28"),
        ("month", "2026-01-15", "2026-03-14", "2026-01-14"),
        ("week", "2026-03-02", "2026-03-15", "2026-03-01"),
        ("week", "2026-03-04", "2026-03-13", "2026-02-27"),
        ("day", "2026-03-04", "2026-03-06", "2026-03-03"),
    ],
)
def test_a_stretch_is_compared_up_to_the_last_day_of_the_one_before(
    events: duckdb.DuckDBPyConnection, interval: str, first: str, last: str, before: str
) -> None:
    inside = at(f"{before}T23:59:59", name="in")
    following = date.fromisoformat(before) + timedelta(days=1)
    fill(events, [*inside, *at(f"{following}T00:00:00", name="out")])
    days = {"date_from": first, "date_to": last, "interval": interval, "compare": True}
    told = asked_of(events, series=[{"event": "in"}, {"event": "out"}], **days)
    assert [line["previous_overall"] for line in told["series"]] == [1, 0]


def test_a_period_that_is_not_over_or_was_cut_is_told(events: duckdb.DuckDBPyConnection) -> None:
    fill(events, at("2026-03-20T12:00:00", "2026-03-31T12:00:00"))
    told = asked_of(events, series=[{"event": "A"}], interval="week", date_from="2026-03-18", date_to="2026-04-05")
    assert told["periods"] == ["2026-03-16", "2026-03-23", "2026-03-30"]
    assert told["is_complete"] == [False, True, False]
    assert told["series"][0]["values"] == [1, 0, 1]
    # Without dates nothing is cut: only what is not over at the snapshot's moment is not whole.
    assert asked_of(events, series=[{"event": "A"}], interval="week")["is_complete"] == [True, True, False]


def test_people_count_once_per_period_and_once_overall(events: duckdb.DuckDBPyConnection) -> None:
    fill(events, [*at("2026-03-20T12:00:00", "2026-03-20T13:00:00", "2026-03-21T12:00:00")])
    told = asked_of(
        events, series=[{"event": "A", "measure": "unique"}, {"event": "A"}, {"event": "A", "measure": "per_user"}]
    )
    assert [line["name"] for line in told["series"]] == ["A, unique", "A, total", "A, per_user"]
    assert [line["values"] for line in told["series"]] == [[1, 1], [2, 1], [2, 1]]
    assert [line["overall"] for line in told["series"]] == [1, 3, 3]


def test_what_is_no_number_is_left_out_and_counted(events: duckdb.DuckDBPyConnection) -> None:
    log = [at(f"2026-03-20T12:00:0{n}", amount=amount)[0] for n, amount in enumerate((0.1, 0.2, "much", None, 1e30))]
    fill(events, log)
    (line,) = asked_of(events, series=[{"event": "A", "measure": "sum", "property": "amount"}])["series"]
    assert (line["values"], line["without_number"]) == ([0.3], 3)


def test_a_formula_has_its_own_line_and_its_inputs_beside_it(events: duckdb.DuckDBPyConnection) -> None:
    fill(
        events,
        [
            *at("2026-03-20T12:00:00", "2026-03-20T13:00:00"),
            *at("2026-03-20T12:00:00", "2026-03-21T12:00:00", name="B"),
        ],
    )
    told = asked_of(events, series=[{"event": "A"}, {"event": "B"}], formula="B / A", breakdown="colour")
    assert [(line["name"], line["values"], line["overall"]) for line in told["series"]] == [("(none)", [0.5, None], 1)]
    assert [(line["name"], line["values"]) for line in told["inputs"]] == [("A: (none)", [2, 0]), ("B: (none)", [1, 1])]
    assert asked_of(events, series=[{"event": "A"}], formula="A * 2")["series"][0]["name"] == "A * 2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A +", "it ends too early"),
        ("(A", "a parenthesis is not closed"),
        ("A B", "'B' is not expected there"),
        ("A ** B", "'*' is not expected there"),
        ("AB", "'AB'"),
        ("__import__('os')", "write letters of series"),
        ("A; drop table events", "write letters of series"),
        ("", "it ends too early"),
        ("(" * 150 + "A" + ")" * 150, "at most 200 characters"),
        ("A / C", "there is no series C; the last is B"),
    ],
)
def test_a_formula_that_can_not_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises((UsageError, ValueError)) as refused:
        parse_trends({"series": [{"event": "A"}, {"event": "B"}], "formula": text}) if text else parse_formula(text)
    assert words in str(refused.value)


def test_a_formula_as_deep_as_it_may_be_is_answered() -> None:
    deep = parse_formula("(" * 99 + "A" + ")" * 99)
    assert deep.value({"A": Fraction(3)}) == 3
    assert parse_formula("-2 * (A - 1) / 0.5").value({"A": Fraction(3)}) == -8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"series": []}, "series: "),
        ({"series": [{"event": "A", "measure": "mode"}]}, "series[0].measure: 'mode' is no measure"),
        ({"series": [{"event": "A", "measure": "p100"}]}, "'p100' is no measure"),
        ({"series": [{"event": "A", "measure": "p²"}]}, "'p²' is no measure"),
        ({"series": [{"event": "A", "measure": "sum"}]}, "series[0]: property: measure sum needs one"),
        ({"series": [{"event": "A", "property": "p"}]}, "property: measure total takes none"),
        ({"interval": "year"}, "interval: "),
        ({"compare": "next"}, "compare: "),
        ({"breakdown": {"property": "p", "limit": 0}}, "breakdown.limit: "),
        ({"date_from": "2026-02-02", "date_to": "2026-02-01"}, "date_from: lies after date_to"),
        ({"series": [{"event": "stripe:rebate"}]}, "series[0].event: there is no fact 'stripe:rebate'"),
        (
            {"aggregate_by": "identity", "series": [{"event": "stripe:refund"}]},
            "aggregate_by: identity: facts of Stripe and of mails are known by person only",
        ),
        ({"steps": []}, "steps: unknown key"),
    ],
)
def test_a_question_that_can_not_be_meant_is_refused_with_its_field(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_trends({"series": [{"event": "A"}], **change})
    assert words in str(refused.value)


def test_names_and_values_are_never_sql(events: duckdb.DuckDBPyConnection) -> None:
    evil = "x' or true; drop table events; -- $v0 \\ \" /~"
    log = at("2026-03-20T12:00:00", name=evil)
    fill(events, log)
    events.execute("update events set properties = json_object(?, ?)", [evil, "7"])
    told = asked_of(
        events,
        series=[{"event": evil, "measure": "p90", "property": evil}, {"event": evil}, {"event": "x"}],
        breakdown={"property": evil},
        where=[{"property": evil, "op": "eq", "value": "7"}],
    )
    assert [line["values"] for line in told["series"]] == [[7], [1], [0]]
    assert [line["value"] for line in told["series"]] == ["7"] * 3
    assert events.execute("select count(*) from events").fetchall() == [(1,)]


def test_more_periods_than_can_be_drawn_are_refused(events: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match=r"more than 20,000 periods"):
        asked_of(events, series=[{}], interval="hour", date_from="2000-01-01", date_to="2026-01-01")
