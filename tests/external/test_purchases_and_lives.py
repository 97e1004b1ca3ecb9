"""A real log of purchases asked for cohorts, repeat rate and revenue; real lifetimes asked for their survival curve.

The purchases are Stripe charges here, the lifetimes subscriptions: both go through ingestion, models and commands, and
every figure is compared with the publication's or with a sum over the same file that knows nothing of ours.
"""

from __future__ import annotations

import csv
import json
import os
from collections import defaultdict
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import invoke
from pipelines.revenue import kaplan_meier
from tests.building import environment
from tests.transform.sample_warehouse import unix
from tests.transform.stripe_shapes import item, price, subscription

MATERIAL = Path(os.environ["MILLSTREAM_TEST_MATERIAL"])
LAST, END_OF_39_WEEKS = date(1998, 6, 30), date(1997, 9, 30)
Ask = Callable[..., dict[str, Any]]


def purchases() -> list[tuple[str, date, int]]:
    """Customer, day and cents of each purchase."""
    with (MATERIAL / "ltv" / "cdnow_sample_transactions.csv").open() as file:
        return [
            (row["customer_id"], date.fromisoformat(row["date"]), int(100 * Decimal(row["amount"])))
            for row in csv.DictReader(file)
        ]


def lives() -> list[tuple[str, int, bool]]:
    """Group, weeks and whether it ended then."""
    with (MATERIAL / "survival" / "leukemia_remission.csv").open() as file:
        return [(row["group"], int(row["weeks"]), row["event"] == "1") for row in csv.DictReader(file)]


EXPECTED: dict[str, Any] = json.loads((MATERIAL / "survival" / "expected_kaplan_meier.json").read_text())


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> Ask:
    """The command line over a folder into which both files were brought."""
    folder = tmp_path_factory.mktemp("purchases")

    def run(*words: str) -> dict[str, Any]:
        out = StringIO()
        with environment(MILLSTREAM_DATA_DIR=str(folder / "data")), redirect_stdout(out):
            assert invoke([*words, "--json"]) == 0
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    charges = [
        {"id": f"ch_{number}", "object": "charge", "customer": f"cus_{customer}", "amount": cents, "currency": "usd",
         "amount_captured": cents, "captured": True, "status": "succeeded",
         "created": unix(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))}
        for number, (customer, day, cents) in enumerate(purchases())
    ]  # fmt: skip
    assert _ingest(run, folder, "cdnow", charges)["loaded"] == 6_919
    for group in ("treated", "placebo"):
        assert _ingest(run, folder, group, [_life(*one[1:]) for one in lives() if one[0] == group])["loaded"] == 21
    run("build")
    return run


def _ingest(run: Ask, folder: Path, account: str, things: list[dict[str, Any]]) -> dict[str, Any]:
    path = folder / f"{account}.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in things))
    return run("ingest", "stripe", "--from", str(path), "--account", account, "--as-of", f"{LAST}T12:00:00+00:00")


def _life(weeks: int, is_end: bool) -> dict[str, Any]:
    """A subscription that ended after so many weeks, or was still there on the last day, so many weeks old."""
    start = LAST - timedelta(weeks=weeks + (0 if not is_end else 1))
    ended = unix(str(start + timedelta(weeks=weeks)))
    over = {"status": "canceled", "ended_at": ended, "canceled_at": ended} if is_end else {}
    return subscription(item(price("1000")), created=unix(str(start)), start_date=unix(str(start)), **over)


def test_cohorts_of_buyers_are_those_of_an_independent_sum(ask: Ask) -> None:
    days: dict[str, list[date]] = defaultdict(list)
    for customer, day, _ in purchases():
        days[customer].append(day)
    firsts = {customer: min(some).replace(day=1) for customer, some in days.items()}
    buyers: dict[tuple[date, date], set[str]] = defaultdict(set)
    cents: dict[tuple[date, date], int] = defaultdict(int)
    for customer, day, amount in purchases():
        buyers[firsts[customer], day.replace(day=1)].add(customer)
        cents[firsts[customer], day.replace(day=1)] += amount
    rows = ask("revenue", "cohorts", "--basis", "payments", "--account", "cdnow", "--from", "1997-01-01", "--to",
               str(LAST))["rows"]  # fmt: skip
    assert {row["cohort"] for row in rows} == {str(first) for first in firsts.values()}
    for row in rows:
        key = date.fromisoformat(row["cohort"]), date.fromisoformat(row["period"])
        assert row["size"] == sum(first == key[0] for first in firsts.values())
        assert (row["customers"], row["paid_minor"]) == (len(buyers[key]), cents[key])
    assert len(rows) == 18 + 17 + 16
    assert sum(row["size"] for row in rows if row["period_index"] == 0) == 2_357
    assert sum(row["paid_minor"] for row in rows) == sum(amount for *_, amount in purchases())


def test_946_of_2357_bought_again_in_39_weeks(ask: Ask) -> None:
    rows = ask("revenue", "cohorts", "--basis", "payments", "--account", "cdnow", "--from", "1997-01-01", "--to",
               str(END_OF_39_WEEKS))["rows"]  # fmt: skip
    last = [row for row in rows if row["period"] == "1997-09-01"]
    assert (sum(row["repeat_customers"] for row in last), sum(row["size"] for row in last)) == (946, 2_357)


def test_revenue_by_month_is_the_independent_sum(ask: Ask) -> None:
    cents: dict[str, int] = defaultdict(int)
    for _, day, amount in purchases():
        cents[str(day.replace(day=1))] += amount
    rows = ask("revenue", "cash", "--account", "cdnow", "--from", "1997-01-01", "--to", str(LAST))["rows"]
    assert {row["period"]: row["gross_minor"] for row in rows} == dict(cents)


@pytest.mark.parametrize("group", ["treated", "placebo"])
def test_the_estimate_of_lifetimes_is_the_textbooks(group: str) -> None:
    steps = kaplan_meier((weeks, is_end) for one, weeks, is_end in lives() if one == group)
    found = {str(step.day): round(step.survival, 4) for step in steps if step.ended}
    assert found == EXPECTED["survival_at_week"][group]


@pytest.mark.parametrize("group", ["treated", "placebo"])
def test_the_report_over_subscriptions_is_the_textbooks_in_weeks(ask: Ask, group: str) -> None:
    answer = ask("revenue", "survival", "--account", group, "--from", "1997-07-01", "--to", str(LAST))
    found = {row["day"]: row["survival"] for row in answer["rows"]}
    for week, share in EXPECTED["survival_at_week"][group].items():
        assert round(found[7 * int(week)], 4) == share
    median = min(day for day, share in found.items() if share <= 0.5)
    assert median == 7 * EXPECTED["median_weeks"][group]
