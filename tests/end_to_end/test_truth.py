"""The published figures of three businesses against what truly happened in them, to the minor unit.

The simulator keeps its own books: it tells what a customer was worth and what was paid from its own
story, and knows nothing of models. Each business has another seed and so another story.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipelines.demo.business import make_business
from pipelines.revenue import NATIVE, Question, cash, movements
from pipelines.revenue.cash import BOOKED_BY_DAY
from pipelines.warehouse import Snapshot
from tests.building import ingest_and_build, newest
from tests.conftest import UNTIL

# One worker makes the businesses and asks all of it.
pytestmark = pytest.mark.xdist_group("truth")

Json = dict[str, Any]
TOLD = (
    "paying_customers_by_currency",
    "mrr_by_day",
    "mrr_by_customer",
    "people",
    "movements_by_month",
    "cash_by_month",
    "settled_by_month",
    "sessions_by_month",
)
"""What is compared: names of `COMPARED` that the simulator tells of. A name that it does not tell fails."""
SHARED = 7
"""The seed of the business that all tests share."""
LONGER = (8, 9)


class Story(NamedTuple):
    """What was published of a business, and what truly happened in it."""

    snapshot: Snapshot
    truth: Json

    @property
    def asked(self) -> Json:
        """All months, each currency in its own."""
        first = date.fromisoformat(self.truth["first_day"])
        return {"date_from": first.replace(day=1), "date_to": UNTIL, "by": "month", "timezone": "UTC"}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.snapshot.query(sql).rows()


@pytest.fixture(scope="module", params=[SHARED, *(pytest.param(seed, marks=pytest.mark.long) for seed in LONGER)])
def story(request: pytest.FixtureRequest) -> Story:
    """The business that all tests share, or a longer one."""
    if request.param == SHARED:
        folder: Path = request.getfixturevalue("built_folder")
    else:
        scratch = request.getfixturevalue("tmp_path_factory").mktemp(f"seed_{request.param}")
        folder = scratch / "data"
        make_business(scratch / "made", until=UNTIL, customers=40, months=6, seed=request.param)
        ingest_and_build(folder, scratch / "made")
    return Story(newest(folder), json.loads((folder / "business" / "truth.json").read_text()))


@pytest.mark.parametrize("name", TOLD)
def test_the_models_tell_what_truly_happened(story: Story, name: str) -> None:
    ours, theirs = COMPARED[name](story, story.truth[name])
    assert theirs
    assert {
        key: (ours.get(key), theirs.get(key)) for key in ours.keys() | theirs if ours.get(key) != theirs.get(key)
    } == {}


Both = tuple[dict[Any, Any], dict[Any, Any]]
"""Ours and theirs, by the same keys; what is nothing stands on neither side."""


def paying_customers(story: Story, told: Json) -> Both:
    ours = story.rows(
        "select currency, customers from marts.fct_mrr_daily where profile = 'stripe' qualify row_number() over (partition by currency order by day desc) = 1"
    )
    return something(dict(ours)), something(told)


def mrr_by_day(story: Story, told: Json) -> Both:
    ours = {
        (own, str(day)): minor
        for own, day, minor in story.rows(
            "select currency, day, mrr_minor from marts.fct_mrr_daily where profile = 'stripe'"
        )
    }
    theirs = {(own, day): int(minor) for own, days in told.items() for day, minor in days.items()}
    return something(ours), something(theirs)


def mrr_by_customer(story: Story, told: Json) -> Both:
    rows = story.rows(
        "select customer_id, changed_date, currency, closing_minor from marts.fct_mrr_movements_daily "
        "where profile = 'stripe'"
    )
    ours = {(customer, str(day), own): minor for customer, day, own, minor in rows}
    theirs = {(customer, day, own): int(minor) for customer, steps in told.items() for day, own, minor in steps}
    return ours, theirs


def movements_by_month(story: Story, told: Json) -> Both:
    answer: Json = movements(story.snapshot, Question(**story.asked, currency=NATIVE))
    kinds = ("new", "expansion", "contraction", "churn", "reactivation")
    ours = {
        (row["currency"], f"{row['period']:%Y-%m}", f"{kind}_minor"): row[f"{kind}_minor"]
        for row in answer["rows"]
        for kind in kinds
    }
    theirs = by_field(told, [f"{kind}_minor" for kind in kinds])
    return something(ours), something(theirs)


def cash_by_month(story: Story, told: Json) -> Both:
    names = [name for name in ("gross_minor", "refunds_minor", "disputes_minor") if name in any_month(told)]
    answer: Json = cash(story.snapshot, Question(**story.asked, currency=NATIVE))
    ours: dict[Any, int] = {}
    for row in answer["rows"]:
        for name in names:
            key = (row["currency"], f"{row['period']:%Y-%m}", name)
            ours[key] = ours.get(key, 0) + row[name]
    return something(ours), something(by_field(told, names))


def settled_by_month(story: Story, told: Json) -> Both:
    """The signs of a balance: what leaves it is negative there, and positive in the report."""
    fields = {"charge_minor": ("gross", 1), "refund_minor": ("refunds", -1), "adjustment_minor": ("disputes", -1),
              "fee_minor": ("fees", 1), "net_minor": ("net", 1)}  # fmt: skip
    months: dict[Any, int] = {}
    for day, booked, gross, _tax, refunds, disputes, fees in story.snapshot.query(
        BOOKED_BY_DAY, start=story.asked["date_from"], end=UNTIL, account=None
    ).iter_rows():
        amounts = (gross, refunds, disputes, fees, gross - refunds - disputes - fees)
        for (name, _), minor in zip(fields.values(), amounts, strict=True):
            key = (booked, f"{day:%Y-%m}", name)
            months[key] = months.get(key, 0) + minor
    theirs = {
        (booked, month, fields[name][0]): fields[name][1] * int(minor)
        for booked, told_months in told.items()
        for month, row in told_months.items()
        for name, minor in row.items()
        if name in fields
    }
    assert len({booked for booked, _, _ in theirs}) == 3
    return something(months), something(theirs)


def sessions_by_month(story: Story, told: Json) -> Both:
    return dict(
        story.rows("select strftime(session_date, '%Y-%m'), count(*) from marts.fct_sessions group by all")
    ), told


def people(story: Story, told: Json) -> Both:
    (row,) = story.rows(
        "select count(*), sum(len(stripe_customer_ids))::bigint, count(*) filter (is_guest) from marts.dim_customers"
    )
    ours = dict(zip(("persons", "stripe_customers", "guests"), row, strict=True))
    return ours, {name: told[name] for name in ours}


COMPARED: dict[str, Callable[[Story, Json], Both]] = {
    "paying_customers_by_currency": paying_customers,
    "mrr_by_day": mrr_by_day,
    "mrr_by_customer": mrr_by_customer,
    "movements_by_month": movements_by_month,
    "cash_by_month": cash_by_month,
    "settled_by_month": settled_by_month,
    "sessions_by_month": sessions_by_month,
    "people": people,
}


def something(figures: dict[Any, int]) -> dict[Any, int]:
    """Without zeros: one side lists empty days and months, the other does not."""
    return {key: figure for key, figure in figures.items() if figure}


def any_month(told: Json) -> Json:
    found: Json = next(iter(next(months for months in told.values() if months).values()))
    return found


def by_field(told: Json, names: list[str]) -> dict[Any, int]:
    return {
        (own, month, name): int(row[name])
        for own, months in told.items()
        for month, row in months.items()
        for name in names
    }
