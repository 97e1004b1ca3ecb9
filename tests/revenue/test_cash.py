"""Cash: what was charged, given back, disputed and kept; the rows add up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from pipelines.revenue import NATIVE, Question, cash, explain
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot, SnapshotReader, Warehouse, publish

NOW = datetime(2026, 11, 24, tzinfo=UTC)
Paid = tuple[str, str, str, int, int | None, str | None, int | None, int | None, str]
"""Id, kind, currency, amount, tax, settlement currency, settled, fee, day."""

MARCH: dict[str, Any] = {"date_from": date(2026, 3, 1), "date_to": date(2026, 3, 31), "by": "month", "timezone": "UTC"}
PARTS = ("gross_minor", "tax_minor", "refunds_minor", "disputes_minor", "fees_minor", "net_minor")


@pytest.fixture
def told(settings: Settings) -> Callable[[list[Paid]], Snapshot]:
    """Publish hand-made payments and the rates of one euro: 1.25 dollars, 160 yen."""

    def publish_it(paid: list[Paid]) -> Snapshot:
        with Warehouse(settings).write("test") as connection:
            connection.execute(
                "create or replace table marts.fct_payments (account varchar, payment_id varchar, kind varchar, object_id varchar, "
                "customer_id varchar, currency varchar, amount_minor bigint, tax_minor bigint, settlement_currency varchar, "
                "settled_minor bigint, fee_minor bigint, net_minor bigint, paid_at timestamp, paid_date date)"
            )
            for name, kind, own, amount, tax, booked, settled, fee, day in paid:
                net = None if settled is None or fee is None else settled - fee
                connection.execute(
                    "insert into marts.fct_payments values ('a', $1, $2, $1, 'c', $3, $4, $5, $6, $7, $8, $9, $10, $10)",
                    [name, kind, own, amount, tax, booked, settled, fee, net, day],
                )
            connection.execute("create or replace table marts.currencies as select 'JPY' as currency, 0 as exponent")
            connection.execute(
                "create or replace table marts.exchange_rates as from (values (date '2026-01-01', 'USD', 1.25::decimal(18, 9)), "
                "(date '2026-01-01', 'JPY', 160::decimal(18, 9))) as rates (rate_date, currency, units_per_eur)"
            )
            connection.execute(
                "create or replace table marts.fct_mrr_movements_daily (profile varchar, account varchar, currency varchar, changed_date date, "
                "movement varchar, amount_minor bigint, is_involuntary boolean)"
            )
            connection.execute(
                "create or replace table marts.fct_mrr_daily (profile varchar, account varchar, currency varchar, day date, mrr_minor bigint, "
                "new_minor bigint, expansion_minor bigint, contraction_minor bigint, churn_minor bigint, reactivation_minor bigint)"
            )
            publish(connection, settings, as_of=NOW, now=NOW)
        snapshot = SnapshotReader(settings.published_dir).current()
        assert snapshot is not None
        return snapshot

    return publish_it


def figures(snapshot: Snapshot, currency: str) -> list[tuple[Any, ...]]:
    answer: dict[str, Any] = cash(snapshot, Question(**MARCH, currency=currency))
    return [(row["currency"], *(row[part] for part in PARTS)) for row in answer["rows"]]


def test_what_comes_in_less_what_goes_out_is_the_net(told: Callable[[list[Paid]], Snapshot]) -> None:
    snapshot = told([
        ("ch_1", "charge", "USD", 11_900, 1_900, "USD", 11_900, 375, "2026-03-01"),
        ("ch_guest", "charge", "USD", 5_000, None, "USD", 5_000, 175, "2026-03-31"),
        ("re_1", "refund", "USD", -2_000, None, "USD", -2_000, 0, "2026-03-09"),
        ("txn_lost", "dispute", "USD", -5_000, None, "USD", -5_000, 1_500, "2026-03-20"),
        ("txn_won", "dispute", "USD", 5_000, None, "USD", 5_000, 0, "2026-03-28"),
        ("ch_april", "charge", "USD", 9_999, None, "USD", 9_999, 0, "2026-04-01"),
    ])  # fmt: skip
    expected = [("USD", 16_900, 1_900, 2_000, 0, 2_050, 12_850)]
    assert figures(snapshot, "USD") == figures(snapshot, NATIVE) == expected


def test_what_was_booked_counts_and_not_what_the_buyer_saw(told: Callable[[list[Paid]], Snapshot]) -> None:
    snapshot = told([
        ("ch_eur", "charge", "EUR", 10_000, 1_597, "USD", 12_000, 400, "2026-03-02"),
        ("ch_jpy", "charge", "JPY", 1_600, None, "USD", 1_201, 65, "2026-03-02"),
        ("re_eur", "refund", "EUR", -5_000, None, "USD", -6_100, 0, "2026-03-03"),
    ])  # fmt: skip
    # 1597 x 12000 / 10000 = 1916.4
    assert figures(snapshot, "USD") == [("USD", 13_201, 1_916, 6_100, 0, 465, 6_636)]
    assert figures(snapshot, NATIVE) == [
        ("EUR", 10_000, 1_597, 5_000, 0, 400, 5_500),
        ("JPY", 1_600, 0, 0, 0, 65, 1_136),
    ]


def test_another_currency_converts_each_days_sums_and_still_adds_up(told: Callable[[list[Paid]], Snapshot]) -> None:
    snapshot = told([
        ("ch_1", "charge", "USD", 999, None, "USD", 999, 59, "2026-03-02"),
        ("ch_2", "charge", "USD", 998, None, "USD", 998, 58, "2026-03-03"),
        ("ch_kwd", "charge", "KWD", 9_000, None, "KWD", 9_000, 0, "2026-03-03"),
    ])  # fmt: skip
    ((_, gross, _, refunds, disputes, fees, net),) = figures(snapshot, "EUR")
    # 799.2 + 798.4 and 47.2 + 46.4, each rounded on its day.
    assert (gross, fees, net) == (799 + 798, 47 + 46, 799 + 798 - 47 - 46)
    assert (refunds, disputes) == (0, 0)
    assert cash(snapshot, Question(**MARCH, currency="EUR"))["unconverted"] == ["KWD"]


def test_a_charge_that_is_not_booked_yet_counts_in_its_own_currency(told: Callable[[list[Paid]], Snapshot]) -> None:
    snapshot = told([("ch_new", "charge", "EUR", 1_000, 160, None, None, None, "2026-03-02")])
    assert figures(snapshot, "USD") == [("USD", 1_250, 200, 0, 0, 0, 1_250)]
    assert figures(snapshot, NATIVE) == [("EUR", 1_000, 160, 0, 0, 0, 1_000)]


@pytest.mark.parametrize("currency", ["USD", "EUR", "JPY"])
def test_the_rows_that_explain_a_day_add_up_to_its_net(told: Callable[[list[Paid]], Snapshot], currency: str) -> None:
    snapshot = told([
        ("ch_1", "charge", "USD", 999, None, "USD", 999, 59, "2026-03-02"),
        ("ch_2", "charge", "EUR", 333, None, "USD", 417, 42, "2026-03-02"),
        ("re_1", "refund", "USD", -101, None, "USD", -101, 0, "2026-03-02"),
        ("txn_1", "dispute", "USD", -303, None, "USD", -303, 1_500, "2026-03-02"),
    ])  # fmt: skip
    day = date(2026, 3, 2)
    answer: dict[str, Any] = explain(snapshot, "cash", at=day, currency=currency, timezone="UTC")
    ((*_, net),) = figures(snapshot, currency)
    assert answer["total_minor"] == sum(one["amount_minor"] for one in answer["rows"]) == net
    assert [one["cause"] for one in answer["rows"]].count("fee") == 3
