"""Steps on what Stripe and the mailer tell: who came so far, and what it brought in."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from pipelines.behaviour import EMAIL, STRIPE, funnel, parse_funnel, people_at_step
from pipelines.errors import MillstreamError, UsageError
from tests.behaviour.brute_force import fill

DAY = "2026-03-01"


@pytest.fixture
def told(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Three people who saw the prices: 0 pays twice and gets some back, 1 pays in yen, 2 fails to pay."""
    fill(connection, [(str(person), "Pricing", 0, "{}", "track", "{}") for person in range(3)])
    connection.execute("delete from marts.fct_stripe_facts")
    connection.execute("delete from marts.fct_email_events")
    facts = [
        ("i1", "stripe:invoice_paid", "0", 10, 1000, "USD"),
        ("i2", "stripe:invoice_paid", "0", 20, 500, "USD"),
        ("r1", "stripe:refund", "0", 30, -300, "USD"),
        ("i3", "stripe:invoice_paid", "1", 10, 1200, "JPY"),
        ("f1", "stripe:payment_failed", "2", 10, 900, "EUR"),
        ("s1", "stripe:subscription_started", "0", 10, None, None),
        ("i4", "stripe:invoice_paid", None, 10, 7700, "USD"),
    ]
    for key, event, person, second, amount, currency in facts:
        connection.execute(
            "insert into marts.fct_stripe_facts (fact_id, event, person_id, event_at, amount_minor, currency) "
            f"values (?, ?, ?, timestamp '{DAY}' + to_seconds(?), ?, ?)",
            [key, event, person, second, amount, currency],
        )
    mails = [("m1", "clicked", "0", 5, False), ("m2", "opened", "1", 5, True), ("m3", "opened", "2", 5, False)]
    for key, outcome, person, second, machine in mails:
        connection.execute(
            "insert into marts.fct_email_events (event_id, outcome, person_id, event_at, is_machine_open) "
            f"values (?, ?, ?, timestamp '{DAY}' + to_seconds(?), ?)",
            [key, outcome, person, second, machine],
        )
    return connection


def steps_of(told: duckdb.DuckDBPyConnection, *names: str | None, **more: Any) -> list[dict[str, Any]]:
    query = parse_funnel({"steps": [{"event": name} for name in names], **more})
    steps: list[dict[str, Any]] = funnel(told, "marts.fct_events", query, users=True).document()["steps"]
    return steps


def test_a_step_of_money_tells_what_its_facts_brought_in(told: duckdb.DuckDBPyConnection) -> None:
    view, paid, back = steps_of(told, "Pricing", "stripe:invoice_paid", "stripe:refund")
    assert "revenue" not in view
    assert (paid["user_ids"], paid["revenue"]) == (
        ["0", "1"],
        [{"currency": "JPY", "amount_minor": 1200}, {"currency": "USD", "amount_minor": 1000}],
    )
    assert (back["user_ids"], back["revenue"]) == (["0"], [{"currency": "USD", "amount_minor": -300}])


def test_two_steps_of_the_same_fact_need_two_of_them(told: duckdb.DuckDBPyConnection) -> None:
    first, second = steps_of(told, "stripe:invoice_paid", "stripe:invoice_paid")
    assert (first["user_ids"], second["user_ids"]) == (["0", "1"], ["0"])
    assert second["revenue"] == [{"currency": "USD", "amount_minor": 500}]


def test_a_failed_payment_and_a_subscription_bring_nothing_in(told: duckdb.DuckDBPyConnection) -> None:
    for name, people in (("stripe:payment_failed", ["2"]), ("stripe:subscription_started", ["0"])):
        step = steps_of(told, "Pricing", name)[1]
        assert step["user_ids"] == people
        assert "revenue" not in step


def test_mails_are_steps_and_a_machine_opens_nothing(told: duckdb.DuckDBPyConnection) -> None:
    assert steps_of(told, "Pricing", "email:open")[1]["user_ids"] == ["2"]
    assert steps_of(told, "email:click", "stripe:invoice_paid")[1]["user_ids"] == ["0"]


def test_only_facts_that_are_named_are_there(told: duckdb.DuckDBPyConnection) -> None:
    # The click of the mail lies between, and any event is one of the site.
    assert steps_of(told, "Pricing", "stripe:invoice_paid", order="strict")[1]["users"] == 2
    assert steps_of(told, "Pricing", None, "stripe:invoice_paid")[1]["users"] == 0


def test_a_fact_is_filtered_and_excluded_like_an_event(told: duckdb.DuckDBPyConnection) -> None:
    over = [{"property": "amount_minor", "op": "gt", "value": 1000}]
    document = {"steps": [{"event": "Pricing"}, {"event": "stripe:invoice_paid", "where": over}]}
    assert people_at_step(told, "marts.fct_events", parse_funnel(document), 1) == ["1"]
    document = {
        "steps": [{"event": "Pricing"}, {"event": "stripe:refund"}],
        "exclusions": [{"event": "stripe:invoice_paid", "to_step": 1}],
    }
    # What was given back had been paid; the others do not come that far, and one of them paid as well.
    assert people_at_step(told, "marts.fct_events", parse_funnel(document), 0) == ["2"]


def test_every_fact_can_be_asked_for(told: duckdb.DuckDBPyConnection) -> None:
    for name in (*STRIPE, *EMAIL):
        assert steps_of(told, "Pricing", name)[0]["users"] == 3


def test_files_tell_no_facts_and_a_mart_may_be_missing(log: Any) -> None:
    query = parse_funnel({"steps": [{"event": "view"}, {"event": "stripe:refund"}]})
    with pytest.raises(UsageError, match="stripe:refund is told by the published data"):
        funnel(log(), "events", query)
    connection = log()
    connection.execute("create schema marts; create view marts.fct_events as select * from events")
    with pytest.raises(MillstreamError, match=r"marts\.fct_stripe_facts is not published yet"):
        funnel(connection, "marts.fct_events", query)
