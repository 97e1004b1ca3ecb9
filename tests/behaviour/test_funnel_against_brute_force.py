"""Every form of a funnel gives what trying all assignments of events to steps gives.

An example is one question over one log; a question is asked of many logs at once, for the engine's time
goes into the question.
"""

from __future__ import annotations

from random import Random
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.behaviour import funnel, funnel_trends, parse_funnel
from pipelines.behaviour.chain import chain_attempts
from pipelines.behaviour.funnels import attempts, scan_attempts
from tests.behaviour import reference
from tests.behaviour.brute_force import (
    DISJOINT,
    LOGS,
    WINDOWS,
    Asked,
    Attempt,
    Logged,
    Wanted,
    all_attempts,
    as_attempts,
    asked,
    best_by_trying_all,
    fill,
    load,
    people,
    preference,
    question,
)
from tests.behaviour.chance import some_document, some_log, some_question, some_world
from tests.behaviour.reference import MAILS, PAID, World

SEEDS = st.integers(0, 2**32)


# 300 questions over 12 logs each: 3,600 examples.
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_funnel_is_what_trying_every_way_gives(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    random = Random(seed)
    logs = [some_log(random) for _ in range(12)]
    load(connection, logs)
    for _ in range(5):
        one = some_question(random)
        best = people([best_by_trying_all(asked(log, *one)) for log in logs])
        assert as_attempts(attempts(connection, "events", question(*one))) == best, (one, logs)


# 300 documents over 6 people each: 1,800 examples of every feature, alone and together.
@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_a_document_is_answered_as_the_reference_answers_it(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    random = Random(seed)
    world = some_world(random, 6)
    load_world(connection, world)
    for _ in range(6):
        document = some_document(random)
        found = funnel(connection, "marts.fct_events", parse_funnel(document), users=True).document()
        wanted = reference.answer(world, document)
        assert rounded(found["steps"]) == rounded(wanted["steps"]), (document, world)
        parts = [
            [(part["value"], rounded(part["steps"])) for part in told.get("breakdown", [])] for told in (found, wanted)
        ]
        assert parts[0] == parts[1], (document, world)


def rounded(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    field = "average_conversion_seconds"
    return [{**step, field: None if step[field] is None else round(step[field], 9)} for step in steps]


def load_world(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    """Fill the events, the facts' marts and `dim_customers`."""
    import json

    events = [did for did in world.did if not did.is_fact]
    fill(
        connection,
        [
            (
                did.person,
                did.name,
                did.second,
                json.dumps(did.properties),
                "identify" if did.name == "identify" else "track",
            )
            for did in events
        ],
    )
    paid = [did for did in world.did if did.name in PAID]
    mails = [did for did in world.did if did.name in MAILS]
    start = "timestamp '2026-03-01' + to_seconds(unnest(?))"
    connection.execute("delete from marts.fct_stripe_facts")
    connection.execute("delete from marts.fct_email_events")
    connection.execute("delete from marts.dim_customers")
    connection.execute(
        "insert into marts.fct_stripe_facts by name select unnest(?) as fact_id, unnest(?) as event, unnest(?) as person_id, "
        f"{start} as event_at, unnest(?) as amount_minor, unnest(?) as currency, unnest(?) as customer_id",
        [
            [did.key for did in paid],
            [did.name for did in paid],
            [did.person for did in paid],
            [did.second for did in paid],
            [did.amount for did in paid],
            [did.properties["currency"] for did in paid],
            [did.properties["customer_id"] for did in paid],
        ],
    )
    connection.execute(
        "insert into marts.fct_email_events by name select unnest(?) as event_id, unnest(?) as outcome, "
        f"unnest(?) as person_id, {start} as event_at, unnest(?) as campaign, false as is_machine_open",
        [
            [did.key for did in mails],
            [MAILS[did.name] for did in mails],
            [did.person for did in mails],
            [did.second for did in mails],
            [did.properties["campaign"] for did in mails],
        ],
    )
    connection.execute(
        "insert into marts.dim_customers select unnest(?), unnest(?), unnest(?)",
        [
            list(world.customers),
            [known["plan"] for known in world.customers.values()],
            [known["country"] for known in world.customers.values()],
        ],
    )


@settings(max_examples=60, deadline=None)
@given(logs=st.lists(LOGS, min_size=1, max_size=4), steps=DISJOINT, window=WINDOWS)
def test_all_forms_agree_where_no_event_fills_two_steps(
    connection: duckdb.DuckDBPyConnection,
    logs: list[list[Logged]],
    steps: tuple[Wanted, ...],
    window: int | None,
) -> None:
    load(connection, logs)
    query = question(steps, window)
    best = people([best_by_trying_all(asked(log, steps, window)) for log in logs])
    assert as_attempts(chain_attempts(connection, "events", query)) == best
    assert as_attempts(chain_attempts(connection, "marts.fct_events", query)) == best
    assert as_attempts(scan_attempts(connection, "events", query)) == best


HALF_A_DAY = 43_200


# 80 trends over 10 logs each: 800 examples.
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_a_trend_counts_a_person_once_in_every_period_entered(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    random = Random(seed)
    logs = [some_log(random) for _ in range(10)]
    load(connection, logs, HALF_A_DAY)
    for _ in range(2):
        one = some_question(random, ("ordered", "strict", "unordered"))._replace(spans=[])
        first = random.randrange(len(one.steps) - 1)
        last = random.randrange(first + 1, len(one.steps))
        days: dict[str, Any] = {"date_from": "2026-03-01", "date_to": "2026-03-04", "from_step": first, "to_step": last}
        query = question(*one, unit=HALF_A_DAY, kind="funnel_trends", interval="day", **days)
        found = funnel_trends(connection, "events", query)
        best = [[best_of_day(asked(log, *one), day) for log in logs] for day in range(4)]
        entered = [[way for way in ways if len(way) > first and way[first] is not None] for ways in best]
        assert [period.entered for period in found.periods] == [len(ways) for ways in entered], (one, logs)
        came_through = [[way for way in ways if len(way) > last and way[last] is not None] for ways in entered]
        assert [period.converted for period in found.periods] == [len(ways) for ways in came_through], (one, logs)


def best_of_day(one: Asked, day: int) -> Attempt:
    began = [way for way in all_attempts(one) if (way[0] or 0) // 2 == day]
    return min(began, key=preference, default=())
