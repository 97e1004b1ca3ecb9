"""Revenue reports: they add up, convert by dated rates, and agree with the simulator's own ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli import invoke
from pipelines.revenue import (
    NATIVE,
    Question,
    Rates,
    churn,
    movements,
    movements_by_group,
    movers,
    mrr,
    periods,
    summary,
)
from pipelines.warehouse import Snapshot
from tests.building import newest


def rows_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer["rows"]
    return found


MARCH = {
    "date_from": date(2026, 3, 1),
    "date_to": date(2026, 3, 31),
    "by": "month",
    "currency": "USD",
    "timezone": "UTC",
}
RATE_ONE = [("2026-01-01", "USD", "1.0")]


def test_a_rate_alone_moves_fx_and_nothing_else(told: Callable[..., Snapshot]) -> None:
    """Worked case 16 of Stripe's and ours: EUR 100, rate 1.10 then 1.12."""
    snapshot = told(
        [("c", "EUR", "2026-02-01", 10_000, 0)],
        [("2026-01-01", "USD", "1.10"), ("2026-03-15", "USD", "1.12")],
    )
    (row,) = rows_of(movements(snapshot, Question(**MARCH)))  # type: ignore[arg-type]
    assert (row["opening_minor"], row["fx_minor"], row["closing_minor"]) == (11_000, 200, 11_200)
    assert (row["new_minor"], row["expansion_minor"], row["churn_minor"]) == (0, 0, 0)


def test_stripes_own_report_of_a_day_takes_the_rates_dated_a_day_later(told: Callable[..., Snapshot]) -> None:
    """G21: a day in EUR with rates of that day and of the next; each currency is rounded by itself."""
    snapshot = told(
        [("c", "EUR", "2026-03-01", 101, 0), ("d", "GBP", "2026-03-01", 101, 0)],
        [
            ("2026-01-01", "USD", "1.10"),
            ("2026-01-01", "GBP", "1.00"),
            ("2026-04-01", "USD", "1.015"),
            ("2026-04-01", "GBP", "1.00"),
        ],
    )
    (usual,) = rows_of(mrr(snapshot, Question(**MARCH)))  # type: ignore[arg-type]
    (stripes,) = rows_of(mrr(snapshot, Question(**MARCH), rates_of="next_day"))  # type: ignore[arg-type]
    # 101 at 1.10 is 111.1; 101 at 1.015 is 102.515: 103 each, where the sum at once would be 205.
    assert (usual["mrr_minor"], stripes["mrr_minor"]) == (222, 206)


def test_the_next_days_rates_are_for_mrr_alone(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    assert invoke(["revenue", "mrr", "--rates-of", "next_day", "--json"]) == 0
    for more in (["movements"], ["mrr", "--group", "plan"], ["mrr", "--profile", "chartmogul"]):
        assert invoke(["revenue", *more, "--rates-of", "next_day", "--json"]) == 2
    assert "--rates-of next_day: only mrr" in capsys.readouterr().err


def test_gross_and_net_churn_of_the_published_example(told: Callable[..., Snapshot]) -> None:
    """Start 100; churn 10, contraction 10, expansion 10: gross 20 %, net 10 % (ChartMogul's definitions)."""
    start = [
        ("a", "USD", "2026-01-01", 10, 0),
        ("b", "USD", "2026-01-01", 50, 0),
        ("c", "USD", "2026-01-01", 40, 0),
    ]
    month = [
        ("a", "USD", "2026-03-05", 0, 10),
        ("b", "USD", "2026-03-06", 40, 50),
        ("c", "USD", "2026-03-07", 50, 40),
    ]
    (row,) = rows_of(churn(told(start + month, RATE_ONE), Question(**MARCH)))  # type: ignore[arg-type]
    assert (row["gross_mrr_churn_rate"], row["net_mrr_churn_rate"]) == (0.2, 0.1)
    assert row["customer_churn_rate_calendar"] == pytest.approx(1 / 3, abs=1e-6)


def test_churn_for_failed_payments_stands_beside_the_one_by_choice(told: Callable[..., Snapshot]) -> None:
    snapshot = told(
        [
            ("left", "USD", "2026-02-01", 30, 0),
            ("unpaid", "EUR", "2026-02-01", 50, 0),
            ("left", "USD", "2026-03-05", 0, 30),
            ("unpaid", "EUR", "2026-03-05", 0, 50),
        ],
        [("2026-01-01", "USD", "1.2")],
    )
    (row,) = rows_of(churn(snapshot, Question(**MARCH)))  # type: ignore[arg-type]
    assert (row["voluntary_mrr_minor"], row["involuntary_mrr_minor"]) == (30, 60)
    (moved,) = rows_of(movements(snapshot, Question(**MARCH)))  # type: ignore[arg-type]
    assert row["voluntary_mrr_minor"] + row["involuntary_mrr_minor"] == -moved["churn_minor"]


def test_native_keeps_each_currency_apart(told: Callable[..., Snapshot]) -> None:
    snapshot = told(
        [
            ("a", "USD", "2026-02-01", 10, 0),
            ("b", "KWD", "2026-02-01", 9_000, 0),
            ("c", "EUR", "2026-02-01", 40, 0),
            ("a", "USD", "2026-03-05", 0, 10),
            ("c", "EUR", "2026-03-06", 50, 40),
        ],
        [("2026-01-01", "USD", "1.1"), ("2026-03-15", "USD", "1.3")],
    )
    native = MARCH | {"currency": NATIVE}
    answer = mrr(snapshot, Question(**native))  # type: ignore[arg-type]
    assert (answer["currency"], answer["unconverted"]) == ("native", [])
    assert [(row["currency"], row["mrr_minor"], row["arr_minor"], row["customers"]) for row in rows_of(answer)] == [
        ("EUR", 50, 600, 1), ("KWD", 9_000, 108_000, 1), ("USD", 0, 0, 0),
    ]  # fmt: skip
    moved = {row["currency"]: row for row in rows_of(movements(snapshot, Question(**native)))}  # type: ignore[arg-type]
    assert (moved["EUR"]["expansion_minor"], moved["EUR"]["fx_minor"]) == (10, 0)
    assert (moved["USD"]["churn_minor"], moved["USD"]["churned_customers"]) == (-10, 1)
    assert (moved["EUR"]["churned_customers"], moved["KWD"]["churned_customers"]) == (0, 0)
    rates = {row["currency"]: row for row in rows_of(churn(snapshot, Question(**native)))}  # type: ignore[arg-type]
    assert (rates["USD"]["gross_mrr_churn_rate"], rates["EUR"]["net_mrr_churn_rate"]) == (1.0, -0.25)
    assert rates["USD"]["voluntary_mrr_minor"] == 10


def test_one_account_is_asked_without_the_others(told: Callable[..., Snapshot]) -> None:
    snapshot = told([("a", "USD", "2026-02-01", 10, 0)], RATE_ONE)
    (other,) = rows_of(mrr(snapshot, Question(**MARCH, account="other")))  # type: ignore[arg-type]
    assert (other["mrr_minor"], other["customers"]) == (0, 0)
    (own,) = rows_of(mrr(snapshot, Question(**MARCH, account="a")))  # type: ignore[arg-type]
    assert (own["mrr_minor"], own["customers"]) == (10, 1)


def test_a_rate_without_a_base_is_null(told: Callable[..., Snapshot]) -> None:
    (row,) = rows_of(churn(told([("a", "USD", "2026-03-05", 10, 0)], RATE_ONE), Question(**MARCH)))  # type: ignore[arg-type]
    assert row["gross_mrr_churn_rate"] is None
    assert row["customer_churn_rate_calendar"] is None


def test_a_currency_without_a_rate_is_listed_and_never_summed(told: Callable[..., Snapshot]) -> None:
    snapshot = told([("a", "USD", "2026-02-01", 10, 0), ("b", "KWD", "2026-02-01", 9_000, 0)], RATE_ONE)
    answer = mrr(snapshot, Question(**MARCH))  # type: ignore[arg-type]
    assert answer["unconverted"] == ["KWD"]
    assert answer["rows"][0]["mrr_minor"] == 10  # type: ignore[index]
    assert answer["rows"][0]["customers"] == 2  # type: ignore[index]


def test_a_balance_from_before_the_first_rate_is_named_and_not_taken_for_zero(told: Callable[..., Snapshot]) -> None:
    snapshot = told([("a", "EUR", "2025-12-01", 10_000, 0)], [("2026-02-01", "USD", "1.10")])
    answer = mrr(snapshot, Question(**MARCH))  # type: ignore[arg-type]
    assert answer["unconverted"] == ["EUR"]


def test_yen_have_no_smaller_unit(told: Callable[..., Snapshot]) -> None:
    snapshot = told(
        [("a", "JPY", "2026-02-01", 1_600, 0)], [("2026-01-01", "USD", "1.0"), ("2026-01-01", "JPY", "160")]
    )
    (row,) = rows_of(mrr(snapshot, Question(**MARCH)))  # type: ignore[arg-type]
    assert row["mrr_minor"] == 1_000


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(0, 400),
    st.sampled_from(["day", "week", "month"]),
)
def test_periods_cover_every_day_once(start: date, days: int, by: str) -> None:
    end = start + timedelta(days=days)
    cut = periods(start, end, by)  # type: ignore[arg-type]
    covered = [one.start + timedelta(days=n) for one in cut for n in range((one.end - one.start).days + 1)]
    assert covered == [start + timedelta(days=n) for n in range(days + 1)]


@given(st.integers(-(10**12), 10**12))
def test_there_and_back_loses_at_most_the_rounding(minor: int) -> None:
    rates = Rates({"USD": [(date(2026, 1, 1), Decimal("1.25"))]}, {})
    there = rates.convert(minor, "EUR", "USD", date(2026, 5, 5))
    assert there is not None
    back = rates.convert(there, "USD", "EUR", date(2026, 5, 5))
    assert back is not None
    assert abs(back - minor) <= 1
    assert rates.convert(minor, "EUR", "USD", date(2025, 12, 31)) is None


def test_the_built_business_adds_up_in_every_month(built_folder: Path) -> None:
    snapshot = newest(built_folder)
    answer = movements(
        snapshot,
        Question(date_from=date(2026, 8, 1), date_to=date(2026, 11, 23), by="month", currency="USD", timezone="UTC"),
    )
    rows = answer["rows"]
    assert isinstance(rows, list)
    kinds = ("new", "expansion", "contraction", "churn", "reactivation", "fx")
    for row in rows:
        assert row["opening_minor"] + sum(row[f"{kind}_minor"] for kind in kinds) == row["closing_minor"]
    for before, after in pairwise(rows):
        assert before["closing_minor"] == after["opening_minor"]
    assert rows[-1]["closing_minor"] == summary(snapshot, currency="USD", timezone="UTC").mrr_minor > 0


def test_customers_add_up_to_every_number_of_the_movements(told: Callable[..., Snapshot]) -> None:
    """Three customers whose cents do not convert evenly: the shares still make the whole."""
    snapshot = told(
        [
            ("a", "EUR", "2026-02-10", 1_001, 0),
            ("b", "EUR", "2026-03-05", 333, 0),
            ("c", "EUR", "2026-03-05", 333, 0),
            ("d", "EUR", "2026-03-05", 333, 0),
            ("a", "EUR", "2026-03-20", 0, 1_001),
            ("e", "USD", "2026-03-20", 500, 0),
        ],
        [("2026-01-01", "USD", "1.117"), ("2026-03-15", "USD", "1.083")],
    )
    (whole,) = rows_of(movements(snapshot, Question(**MARCH)))  # type: ignore[arg-type]
    parts = rows_of(movements_by_group(snapshot, Question(**MARCH), group="customer"))  # type: ignore[arg-type]
    assert [part["customer"] for part in parts] == ["a", "b", "c", "d", "e"]
    for name in (name for name in whole if name.endswith(("_minor", "_customers"))):
        assert sum(part[name] for part in parts) == whole[name], name
    moves = movers(snapshot, date_from=MARCH["date_from"], date_to=MARCH["date_to"], currency="USD")  # type: ignore[arg-type]
    assert sum(move.amount_minor for move in moves if move.kind == "new") == whole["new_minor"]
    assert [move.customer_id for move in moves if move.kind == "churn"] == ["a"]


def test_customers_of_a_currency_without_a_rate_are_left_out_like_their_sums(told: Callable[..., Snapshot]) -> None:
    snapshot = told([("a", "GBP", "2026-03-02", 100, 0), ("b", "USD", "2026-03-02", 200, 0)], RATE_ONE)
    answer = movements_by_group(snapshot, Question(**MARCH), group="customer")  # type: ignore[arg-type]
    assert answer["unconverted"] == ["GBP"]
    assert [row["customer"] for row in rows_of(answer)] == ["b"]
    native = movements_by_group(snapshot, Question(**MARCH | {"currency": NATIVE}), group="customer")  # type: ignore[arg-type]
    assert [(row["customer"], row["currency"], row["new_minor"]) for row in rows_of(native)] == [
        ("a", "GBP", 100),
        ("b", "USD", 200),
    ]


def test_a_change_that_an_event_told_names_that_event(built_folder: Path) -> None:
    lines = (built_folder / "business" / "stripe" / "events.jsonl").read_text().splitlines()
    known = {json.loads(line)["id"] for line in lines}
    named = newest(built_folder).query("select event_id from marts.fct_mrr_changes where event_id is not null")
    assert named.height > 0
    assert set(named["event_id"]) <= known


@pytest.mark.parametrize(
    "command",
    [("revenue", "cash"), ("revenue", "mrr"), ("explain", "mrr", "--at", "2026-11-20"), ("revenue", "reconcile")],
)
def test_an_account_that_does_not_exist_is_refused_with_those_that_do(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    assert invoke([*command, "--account", "nosuch", "--json"]) == 2
    assert "There are: default." in capsys.readouterr().err


def test_a_report_that_can_not_be_taken_apart_names_those_that_can(
    built_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(built_folder))
    assert invoke(["revenue", "cash", "--group", "plan", "--json"]) == 2
    assert "mrr and movements can, by plan, product, country, currency, interval," in capsys.readouterr().err
