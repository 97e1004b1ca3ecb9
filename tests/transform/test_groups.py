"""Groups over the whole ledger of the golden cases: histories, currencies and random subscriptions in one account list."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipelines.revenue import GROUPS, NATIVE, Group, Question, movements, movements_by_group
from tests.revenue.test_groups import check_that_they_add_up
from tests.revenue.test_reports import rows_of
from tests.transform.golden_cases import EVEN, UPGRADE
from tests.transform.sample_warehouse import Published

JUNE: dict[str, Any] = {"date_from": date(2026, 6, 1), "date_to": date(2026, 6, 30), "timezone": "UTC"}
DAYS = {"date_from": date(2026, 6, 10), "date_to": date(2026, 6, 16)}


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_adds_up_on_every_day(built: Published, group: Group) -> None:
    for asked in (JUNE | DAYS | {"by": "day", "currency": "USD"}, JUNE | {"by": "month", "currency": NATIVE}):
        whole: Any = movements(built.snapshot, Question(**asked))["rows"]
        parts: Any = movements_by_group(built.snapshot, Question(**asked), group=group)["rows"]
        check_that_they_add_up(whole, parts, group)


def test_an_upgrade_takes_the_old_plans_worth_along_and_expands_the_new_one(built: Published) -> None:
    asked = JUNE | {"by": "month", "currency": "USD", "account": UPGRADE}
    rows = rows_of(movements_by_group(built.snapshot, Question(**asked), group="plan"))
    kinds = ("new", "expansion", "transfer", "closing")
    assert sorted([row[f"{kind}_minor"] for kind in kinds] for row in rows) == [
        [0, 3000, 2000, 5000],
        [2000, 0, -2000, 0],
    ]
    (whole,) = rows_of(movements_by_group(built.snapshot, Question(**asked), group="interval"))
    assert (whole["interval"], whole["expansion_minor"], whole["transfer_minor"]) == ("month", 3000, 0)


def test_a_switch_to_a_plan_of_the_same_worth_is_a_transfer_alone(built: Published) -> None:
    asked = JUNE | {"by": "month", "currency": "USD", "account": EVEN}
    rows = rows_of(movements_by_group(built.snapshot, Question(**asked), group="interval"))
    assert {row["interval"]: (row["opening_minor"], row["transfer_minor"], row["closing_minor"]) for row in rows} == {
        "month": (10_000, -10_000, 0),
        "year": (0, 10_000, 10_000),
    }
    (whole,) = rows_of(movements(built.snapshot, Question(**asked)))
    assert (whole["opening_minor"], whole["expansion_minor"], whole["closing_minor"]) == (10_000, 0, 10_000)
