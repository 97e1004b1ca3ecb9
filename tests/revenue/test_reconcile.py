"""Our published figures against Stripe's lists: both sides as they stood when the snapshot's sync ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.demo.stripe_server import serving
from pipelines.errors import MillstreamError
from pipelines.quality import told
from pipelines.settings import Settings
from pipelines.stripe import StripeApi, reconcile
from pipelines.warehouse import Snapshot, SnapshotReader, Warehouse, publish
from tests.building import newest

Json = dict[str, Any]
CUT = datetime(2026, 11, 23, 23, 50, tzinfo=UTC)
"""Ten minutes before the sync: as far as its first cursor says that all is there."""
NOW = datetime(2026, 11, 24, tzinfo=UTC)
BEFORE, AFTER = int(CUT.timestamp()) - 3_600, int(NOW.timestamp()) + 3_600


@contextmanager
def stripe_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeApi]:
    with serving(folder) as base:
        monkeypatch.setenv("STRIPE_API_KEY", "sk_test_demo")
        monkeypatch.setenv("STRIPE_API_BASE", base)
        yield StripeApi(Settings())


def lines(path: Path) -> list[Json]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def write(path: Path, things: list[Json]) -> None:
    path.write_bytes(b"".join(orjson.dumps(thing) + b"\n" for thing in things))


@pytest.fixture
def business(built_folder: Path, tmp_path: Path) -> Path:
    """The objects that the built folder was synced from, for a test to change."""
    shutil.copytree(built_folder / "business", tmp_path / "business")
    return tmp_path / "business"


def wrong(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [row for row in rows if row["unexplained_minor"] or row["ours_count"] != row["theirs_count"]]


def test_what_happened_after_the_sync_is_no_difference(
    built_folder: Path, business: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A charge and its entry came later, one is refunded, an open invoice was paid: none of it was there at the cut."""
    files = {
        name: business / "stripe" / f"{name}.jsonl"
        for name in ("charges", "balance_transactions", "refunds", "invoices")
    }
    charges, entries, refunds, invoices = (lines(path) for path in files.values())
    paid = next(one for one in charges if one["status"] == "succeeded")
    entry = next(one for one in entries if one["id"] == paid["balance_transaction"])
    late = {"created": AFTER}
    later = entry | {"id": "txn_later", "source": "ch_later"} | late
    # Made before the cut, captured after it: its balance transaction tells.
    captured = paid | {"id": "ch_captured", "balance_transaction": "txn_later", "created": BEFORE}
    back = entry | {"id": "txn_back", "source": "re_later", "type": "refund", "net": -entry["amount"]} | late
    refund = {"id": "re_later", "object": "refund", "charge": paid["id"], "amount": paid["amount"], "status": "succeeded",
              "currency": paid["currency"], "balance_transaction": "txn_back"} | late  # fmt: skip
    write(files["charges"], [paid | {"id": "ch_later", "balance_transaction": "txn_later"} | late, captured, *charges])
    write(files["balance_transactions"], [later, back, *entries])
    write(files["refunds"], [refund, *refunds])
    settled = invoices[-1] | {
        "status": "paid",
        "amount_paid": 999,
        "id": "in_later",
        "created": BEFORE,
        "status_transitions": {"paid_at": AFTER},
    }
    write(files["invoices"], [*invoices, settled])
    with stripe_of(business, monkeypatch) as api:
        found = reconcile(newest(built_folder), api)
    assert found.until == CUT
    assert {row["object"] for row in found.rows} >= {"charge", "invoice", "balance_transaction", "payout"}
    assert wrong(found.rows) == found.unexplained == found.days == []


def test_an_amount_that_differs_is_shown_to_the_minor_unit(
    built_folder: Path, business: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = business / "stripe" / "charges.jsonl"
    charges = lines(path)
    number = next(n for n, one in enumerate(charges) if one["status"] == "succeeded")
    charges[number]["amount_captured"] += 1
    write(path, charges)
    with stripe_of(business, monkeypatch) as api:
        found = reconcile(newest(built_folder), api)
    (row,), (one,), (day,) = wrong(found.rows), found.unexplained, found.days
    amount = charges[number]["amount_captured"]
    made = datetime.fromtimestamp(charges[number]["created"], UTC).date()
    assert (one["id"], one["ours_minor"], one["theirs_minor"]) == (charges[number]["id"], amount - 1, amount)
    assert (one["reason"], found.unexplained_minor) == ("another amount", 1)
    assert (one["day"], day["day"], day["unexplained_minor"]) == (made, made, -1)
    assert (row["object"], row["currency"], row["unexplained_minor"]) == (
        "charge",
        charges[number]["currency"].upper(),
        -1,
    )


def test_two_differences_that_make_one_right_sum_are_both_shown(
    built_folder: Path, business: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = business / "stripe" / "charges.jsonl"
    charges = lines(path)
    first, other = [one for one in charges if one["status"] == "succeeded" and one["currency"] == "eur"][:2]
    first["amount_captured"] += 5
    other["amount_captured"] -= 5
    write(path, charges)
    with stripe_of(business, monkeypatch) as api:
        found = reconcile(newest(built_folder), api)
    assert wrong(found.rows) == []
    assert {one["id"] for one in found.unexplained} == {first["id"], other["id"]}
    assert found.unexplained_minor == 10


def test_nothing_is_unexplained_in_any_of_the_three_settlement_currencies(
    built_folder: Path, business: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = newest(built_folder)
    with stripe_of(business, monkeypatch) as api:
        found = reconcile(snapshot, api)
    assert found.unexplained_minor == 0
    booked = {row["currency"]: row for row in found.rows if row["object"] == "balance_transaction"}
    paid_out = {row["currency"]: row for row in found.rows if row["object"] == "payout"}
    assert booked.keys() == paid_out.keys() == {"EUR", "JPY", "USD"}
    balance = {row["currency"]: row for row in told.balance(snapshot).iter_rows(named=True)}
    assert balance.keys() == booked.keys()
    for row in balance.values():
        assert row["unexplained_minor"] == 0
        assert row["balance_transactions"] > row["payouts"] >= row["payouts_listed"] > 0
    assert told.unexplained(snapshot).is_empty()


def test_a_planted_missing_refund_shows_as_exactly_that_row(
    built_folder: Path, business: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe has a refund and its balance transaction; we never heard of either."""
    paths = {name: business / "stripe" / f"{name}.jsonl" for name in ("charges", "refunds", "balance_transactions")}
    charges, refunds, entries = (lines(path) for path in paths.values())
    paid = next(one for one in charges if one["status"] == "succeeded" and one["currency"] == "eur")
    booked = next(one for one in entries if one["id"] == paid["balance_transaction"])
    minor = paid["amount"] // 2
    missing = {"id": "re_missing", "object": "refund", "charge": paid["id"], "amount": minor, "status": "succeeded",
               "currency": "eur", "balance_transaction": "txn_missing", "created": BEFORE}  # fmt: skip
    entry_of_it = booked | {"id": "txn_missing", "source": "re_missing", "type": "refund", "created": BEFORE,
                            "reporting_category": "refund", "amount": -minor, "net": -minor, "fee": 0}  # fmt: skip
    write(paths["refunds"], [*refunds, missing])
    write(paths["balance_transactions"], [*entries, entry_of_it])
    with stripe_of(business, monkeypatch) as api:
        found = reconcile(newest(built_folder), api)
    assert found.unexplained == [
        {"object": "refund", "id": "re_missing", "currency": "EUR", "ours_minor": None, "theirs_minor": minor,
         "day": CUT.date(), "reason": "not here"}
    ]  # fmt: skip
    assert found.unexplained_minor == minor


def test_a_snapshot_without_a_completed_sync_says_so(
    built_folder: Path, business: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        stripe_of(business, monkeypatch) as api,
        pytest.raises(MillstreamError, match="no completed sync of the account acct_2"),
    ):
        reconcile(newest(built_folder), api, account="acct_2")


OWN_ENTRIES = ("back_1", "back_2", "lost", "won")
"""Failed refunds and disputes go by the id of their entry."""
Paid = tuple[str, str, int, int | None, str, str | None]
"""Id, kind, amount, net, made at, booked at."""


@pytest.fixture
def publish_paid(settings: Settings) -> Callable[[list[Paid]], Snapshot]:
    """Publish hand-made payments of an account that is complete up to the cut."""

    def publish_it(paid: list[Paid]) -> Snapshot:
        with Warehouse(settings).write("test") as connection:
            connection.execute(
                "create table marts.fct_payments (account varchar, payment_id varchar, kind varchar, currency varchar, amount_minor bigint, "
                "settlement_currency varchar, settled_minor bigint, net_minor bigint, paid_at timestamp, settled_at timestamp, balance_transaction_id varchar)"
            )
            for name, kind, amount, net, at, booked in paid:
                connection.execute(
                    "insert into marts.fct_payments values ('default', $1, $2, 'USD', $3, 'USD', $3, $4, $5, $6, $7)",
                    [name, kind, amount, net, at, booked, name if name in OWN_ENTRIES else f"txn_{name}"],
                )
            connection.execute(
                "create table marts.fct_invoices (account varchar, invoice_id varchar, currency varchar, paid_minor bigint, invoice_status varchar, "
                "created_at timestamp, paid_at timestamp)"
            )
            connection.execute(
                "create table marts.fct_payouts (account varchar, payout_id varchar, currency varchar, amount_minor bigint, created_at timestamp)"
            )
            connection.execute(
                "create table health.syncs as select 'stripe' as source, 'default' as account, 'test' as mode, $1::timestamp as complete_until",
                [CUT.replace(tzinfo=None)],
            )
            publish(connection, settings, as_of=NOW + timedelta(days=3), now=NOW)
        snapshot = SnapshotReader(settings.published_dir).current()
        assert snapshot is not None
        return snapshot

    return publish_it


def test_failed_refunds_and_disputes_count_alike_on_both_sides(
    publish_paid: Callable[[list[Paid]], Snapshot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, later = "2026-11-23 22:50:00", "2026-11-24 01:00:00"
    snapshot = publish_paid([
        ("ch", "charge", 5_000, 4_800, made, made),
        # Charged as the sync ended: booked after the cut, by an entry that is not loaded yet.
        ("edge", "charge", 700, None, made, None),
        # One refund failed before the cut and one after it; the snapshot may know of both.
        ("re_1", "refund", -300, -300, made, made), ("back_1", "refund", 300, 300, made, made),
        ("re_2", "refund", -200, -200, made, made), ("back_2", "refund", 200, 200, later, later),
        ("lost", "dispute", -5_000, -6_500, made, made), ("won", "dispute", 5_000, 5_000, later, later),
    ])  # fmt: skip
    entries = [
        entry("txn_ch", "charge", "ch", 5_000, BEFORE, fee=200),
        entry("txn_edge", "charge", "edge", 700, AFTER),
        entry("txn_hold", "payment", "py_pending", 700, BEFORE),
        entry("txn_re_1", "refund", "re_1", -300, BEFORE), entry("back_1", "refund_failure", "re_1", 300, BEFORE),
        entry("txn_re_2", "refund", "re_2", -200, BEFORE), entry("back_2", "refund_failure", "re_2", 200, AFTER),
        entry("lost", "adjustment", "dp", -5_000, BEFORE, fee=1_500, reporting_category="dispute"),
        entry("won", "adjustment", "dp", 5_000, AFTER, reporting_category="dispute_reversal"),
        entry("po", "payout", "po_1", -90, BEFORE), entry("fix", "adjustment", "x", 5, BEFORE, reporting_category="other_adjustment"),
    ]  # fmt: skip
    one = {"currency": "usd", "created": BEFORE}
    charge = one | {"object": "charge", "captured": True}
    refund = one | {"object": "refund", "charge": "ch", "status": "failed"}
    folder = tmp_path / "stripe"
    folder.mkdir()
    for name, things in {
        "balance_transactions": entries,
        "charges": [
            charge | {"id": "ch", "amount_captured": 5_000, "status": "succeeded", "balance_transaction": "txn_ch"},
            charge | {"id": "edge", "amount_captured": 700, "status": "succeeded", "balance_transaction": "txn_edge"},
            charge | {"id": "py_pending", "amount_captured": 0, "status": "pending", "balance_transaction": "txn_hold"},
        ],
        "refunds": [
            refund | {"id": "re_1", "amount": 300, "balance_transaction": "txn_re_1", "failure_balance_transaction": "back_1"},
            refund | {"id": "re_2", "amount": 200, "balance_transaction": "txn_re_2", "failure_balance_transaction": "back_2"},
            refund | {"id": "re_3", "amount": 100, "balance_transaction": None},
        ],
        "disputes": [one | {"id": "dp", "object": "dispute", "charge": "ch", "amount": 5_000, "status": "won",
                            "balance_transactions": [entries[6], entries[7]]}],
    }.items():  # fmt: skip
        write(folder / f"{name}.jsonl", things)
    with stripe_of(folder, monkeypatch) as api:
        found = reconcile(snapshot, api)
    assert wrong(found.rows) == found.unexplained == []
    assert {row["object"]: (row["ours_count"], row["ours_minor"]) for row in found.rows} == {
        "charge": (1, 5_000), "refund": (2, 200), "dispute": (1, -5_000), "balance_transaction": (5, 4_800 - 200 - 6_500),
    }  # fmt: skip


def entry(name: str, kind: str, source: str, amount: int, at: int, *, fee: int = 0, **more: object) -> Json:
    return {"id": name, "object": "balance_transaction", "type": kind, "source": source, "currency": "usd",
            "amount": amount, "fee": fee, "net": amount - fee, "created": at} | more  # fmt: skip
