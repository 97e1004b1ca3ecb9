"""The same rows are judged once: a later check recalls the outcome, and any change has it judged anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipelines.quality import CheckResult, Expectation, Suite, check_landed
from pipelines.warehouse import connect
from pipelines.warehouse.writer import Connection

POSITIVE = Expectation("amount_is_in_range", "ExpectColumnValuesToBeBetween", {"column": "amount", "min_value": 0})
SUITE = Suite("shop.sales", "select key, amount from shop.sales order by key", (POSITIVE,))


@pytest.fixture
def warehouse() -> Iterator[Connection]:
    with connect() as connection:
        connection.execute("create schema shop")
        connection.execute("create table shop.sales as from (values ('a', 5), ('b', -2)) as rows (key, amount)")
        yield connection


def judge(connection: Connection, suite: Suite = SUITE) -> CheckResult:
    (result,) = check_landed(connection, (suite,))
    return result


def mark(connection: Connection) -> None:
    """Make what is remembered tell itself apart from what is judged."""
    connection.execute("update health.judged set results = replace(results, '1 of 2 rows', 'remembered')")


def test_the_same_rows_have_the_outcome_they_had(warehouse: Connection) -> None:
    first = judge(warehouse)
    assert (first.is_passed, first.failing_rows, first.message) == (False, 1, "1 of 2 rows")
    assert judge(warehouse) == first
    mark(warehouse)
    assert judge(warehouse) == replace(first, message="remembered")


@pytest.mark.parametrize(
    "change",
    ["insert into shop.sales values ('c', 1)", "update shop.sales set amount = -3 where key = 'b'",
     "update shop.sales set key = 'z' where key = 'a'"],
)  # fmt: skip
def test_a_changed_row_is_judged(warehouse: Connection, change: str) -> None:
    judge(warehouse)
    mark(warehouse)
    warehouse.execute(change)
    assert judge(warehouse).message in ("1 of 2 rows", "1 of 3 rows")


def test_another_expectation_is_judged(warehouse: Connection) -> None:
    judge(warehouse)
    mark(warehouse)
    allowed = replace(POSITIVE, arguments={"column": "amount", "min_value": -2})
    assert judge(warehouse, replace(SUITE, expectations=(allowed,))).is_passed


def test_rows_that_were_mended_pass(warehouse: Connection) -> None:
    assert not judge(warehouse).is_passed
    warehouse.execute("update shop.sales set amount = 2 where key = 'b'")
    assert judge(warehouse).is_passed
