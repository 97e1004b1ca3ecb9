"""What Stripe and the mailer tell as series of a trend: counted like events, amounts by currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import event_trends, parse_retention, parse_trends, retention
from pipelines.errors import MillstreamError, UsageError
from tests.behaviour.chance import some_where, some_world
from tests.behaviour.reference import PAID, Did, World, subject_of, value_of, where_holds
from tests.behaviour.worlds import load_world

HALF_A_DAY = 43_200
DAYS = range(4)
Row = list[float | None]


def some_trend(random: Random) -> dict[str, Any]:
    """One or two series on facts and events; those of money measure amounts every second time."""
    series: list[dict[str, Any]] = []
    for _ in range(random.randint(1, 2)):
        event = random.choice((*PAID, *PAID, "email:click", "A", None))
        measure = random.choice(("total", "unique", "per_user"))
        one = {"event": event, "measure": measure, "where": some_where(random)}
        if event in PAID and random.random() < 0.6:
            one |= {"measure": random.choice(("sum", "average", "min", "max")), "property": "amount_minor"}
        series.append(one)
    places: list[dict[str, Any]] = [
        {"property": "colour"},
        {"property": "customer_id"},
        {"property": "currency"},
        {"property": "plan", "scope": "user"},
    ]
    return {
        "series": series,
        **({"formula": "A / B"} if len(series) == 2 and random.random() < 0.5 else {}),
        **({"breakdown": random.choice(places) | {"limit": random.randint(1, 3)}} if random.random() < 0.6 else {}),
        "aggregate_by": random.choice(("user", "user", "account", "user_property:plan")),
        "date_from": "2026-03-01",
        "date_to": "2026-03-04",
    }


def counted(world: World, document: dict[str, Any], number: int) -> list[Did]:
    """What a series counts."""
    series = document["series"][number]
    named = [did for did in world.did if (not did.is_fact if series["event"] is None else did.name == series["event"])]
    known = [did for did in named if subject_of(did, document, world) is not None]
    return [did for did in known if where_holds(series["where"], did, world)]


def measured(found: list[Did], measure: str, subject: Callable[[Did], str | None]) -> float | None:
    subjects = {subject(did) for did in found}
    amounts = [did.amount for did in found]
    if measure in ("total", "unique", "sum"):
        return {"total": len(found), "unique": len(subjects), "sum": sum(amounts)}[measure]
    if not found:
        return None
    return {
        "per_user": len(found) / len(subjects), "average": sum(amounts) / len(found),
        "min": min(amounts), "max": max(amounts),
    }[measure]  # fmt: skip


def lines_of(world: World, document: dict[str, Any]) -> dict[tuple[str, str | None, str | None], Row]:
    """By value (everything without a breakdown), letter (none for a formula) and currency: the days and all of them."""
    found = [counted(world, document, number) for number in range(len(document["series"]))]

    def bears(values: Sequence[str | None]) -> Callable[[Did], bool]:
        return lambda did: value_of(did, document, world) in values

    belongs: dict[str, Callable[[Did], bool]] = {"everything": lambda _: True}
    if "breakdown" in document:
        sizes: dict[str | None, int] = defaultdict(int)
        for did in found[0]:
            sizes[value_of(did, document, world)] += 1
        ranked = sorted(sizes, key=lambda one: (-sizes[one], one is None, one or ""))[: document["breakdown"]["limit"]]
        belongs = {str(one): bears([one]) for one in ranked}
        belongs["the rest"] = lambda did: not bears(ranked)(did)
    lines: dict[tuple[str, str | None, str | None], Row] = {}
    for value, is_there in belongs.items():
        mine = [[did for did in one if is_there(did)] for one in found]
        if value == "the rest" and not any(mine):
            continue
        is_money = ["property" in series for series in document["series"]]
        codes = [
            sorted({did.properties["currency"] for did in one}) if money else []
            for one, money in zip(mine, is_money, strict=True)
        ]

        def row(number: int, currency: str | None, mine: list[list[Did]] = mine) -> Row:
            series = document["series"][number]
            some = [did for did in mine[number] if "property" not in series or did.properties["currency"] == currency]
            cells = [[did for did in some if did.second // 2 == day] for day in DAYS]
            return [
                measured(cell, series["measure"], lambda did: subject_of(did, document, world))
                for cell in (*cells, some)
            ]

        if "formula" in document:
            for currency in sorted(set().union(*codes)) or [None]:
                pairs = zip(row(0, currency), row(1, currency), strict=True)
                lines[value, None, currency] = [None if a is None or not b else a / b for a, b in pairs]
            continue
        for number, letter in enumerate("AB"[: len(found)]):
            for currency in codes[number] or [None]:
                lines[value, letter, currency] = row(number, currency)
    return lines


# 125 trends over the facts and events of 6 people each.
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_facts_are_counted_and_their_amounts_measured_by_currency(
    connection: duckdb.DuckDBPyConnection, seed: int
) -> None:
    random = Random(seed)
    world = some_world(random, 6)
    load_world(connection, world, HALF_A_DAY)
    for _ in range(5):
        document = some_trend(random)
        answer = event_trends(connection, "marts.fct_events", parse_trends(document))
        told = {}
        for line in answer.lines:
            value = "the rest" if line.is_other else str(line.value) if "breakdown" in document else "everything"
            assert line.currency is None or line.name.endswith(f" ({line.currency})")
            told[value, line.letter, line.currency] = [*line.values, line.overall]
        wanted = lines_of(world, document)
        assert list(told) == sorted(wanted, key=lambda line: line[1] or ""), (document, world)
        assert told == {key: pytest.approx(row, nan_ok=False) for key, row in wanted.items()}, (document, world)


def test_currencies_stand_beside_each_other_in_the_document(connection: duckdb.DuckDBPyConnection) -> None:
    did = [
        Did("0", 0, "stripe:invoice_paid", {"currency": "USD", "customer_id": "c"}, "1", 1000),
        Did("1", 1, "stripe:invoice_paid", {"currency": "JPY", "customer_id": "d"}, "2", 1200),
        Did("1", 2, "stripe:invoice_paid", {"currency": "USD", "customer_id": "d"}, "3", 501),
    ]
    load_world(connection, World(did, {}))
    paid = {"event": "stripe:invoice_paid", "measure": "average", "property": "amount_minor"}
    asked = parse_trends({"series": [paid]})
    told = event_trends(connection, "marts.fct_events", asked).document(datetime(2026, 4, 1, tzinfo=UTC))
    assert told["periods"] == ["2026-03-01"]
    assert [(line["name"], line["currency"], line["values"], line["without_number"]) for line in told["series"]] == [
        ("stripe:invoice_paid (JPY)", "JPY", [1200], 0),
        ("stripe:invoice_paid (USD)", "USD", [750.5], 0),
    ]
    with pytest.raises(UsageError, match="without --events"):
        event_trends(connection, "events", asked)


def test_a_payment_can_be_what_people_come_back_for(connection: duckdb.DuckDBPyConnection) -> None:
    money = {"currency": "USD", "customer_id": "c"}
    did = [
        Did("0", 0, "stripe:invoice_paid", money, "1", 1000),
        Did("0", 2, "stripe:invoice_paid", money, "2", 1000),
        Did("1", 1, "stripe:invoice_paid", money, "3", 1000),
        Did("1", 3, "stripe:refund", money, "4", -1000),
        Did("1", 3, "A", {}, "5"),
    ]
    load_world(connection, World(did, {}), HALF_A_DAY)

    def matrix(returning: str | None) -> list[list[int | None]]:
        document = {"target_event": "stripe:invoice_paid", "returning_event": returning, "intervals": 2}
        return retention(connection, "marts.fct_events", parse_retention(document)).matrix

    assert matrix("stripe:invoice_paid") == [[2, 1], [1, None]]
    assert matrix(None) == [[2, 1], [1, None]]  # 1 did A; a payment is not any event.
    connection.execute("alter table marts.fct_stripe_facts rename to away")
    try:
        with pytest.raises(MillstreamError, match="not published yet"):
            matrix("stripe:invoice_paid")
    finally:
        connection.execute("alter table marts.away rename to fct_stripe_facts")
