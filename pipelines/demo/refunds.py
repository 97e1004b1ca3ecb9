"""Balance transactions of charges and refunds, and the refunds themselves.

A balance transaction is in US dollars whatever the charge was in; a refund does not return the fee.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pipelines.demo import shapes_money as shapes
from pipelines.demo.clock import DAY
from pipelines.demo.desk import Desk

Json = dict[str, Any]

REFUND_RISK = 0.02
REASONS = ("requested_by_customer", "requested_by_customer", "duplicate")


def enter_balance(desk: Desk, charge: Json, kind: str, source: str, amount: int, at: int) -> str:
    """Enter `amount` (negative for money that leaves) of the charge's currency; answers the entry's id."""
    cents, rate = desk.rates.settle(amount, charge["currency"], at)
    available = at - at % DAY + 3 * DAY
    entry = shapes.balance_transaction(
        desk.books.new_id("txn_3", 23), kind, source, at,
        amount=cents, fee=_fee(cents, charge) if amount > 0 else 0, exchange_rate=rate,
        available_on=available, status="available" if available < desk.books.end else "pending",
        description=charge["description"] if amount > 0 else f"REFUND FOR CHARGE ({charge['description']})",
    )  # fmt: skip
    desk.books.add(entry, at)
    identity: str = entry["id"]
    return identity


def maybe_refund(desk: Desk, charge: Json, at: int) -> None:
    """Now and then a charge is given back within three weeks, wholly or in part."""
    if desk.rng.random() < REFUND_RISK:
        part = 1.0 if desk.rng.random() < 0.6 else desk.rng.uniform(0.2, 0.7)
        amount = max(1, round(charge["amount"] * part))
        desk.agenda.at(at + desk.rng.randint(3_600, 21 * DAY), _refund, desk, charge, amount)


def _refund(at: int, desk: Desk, charge: Json, amount: int) -> None:
    identity, reason = desk.books.new_id("re_3", 23), desk.rng.choice(REASONS)
    entry_id = enter_balance(desk, charge, "refund", identity, -amount, at)
    refund = shapes.refund(identity, charge, amount, at, reason, entry_id)
    # Many refunds reach a listener only through their charge, as with Stripe itself.
    desk.books.add(refund, at, *(("refund.created",) if desk.rng.random() < 0.5 else ()))
    given = charge["amount_refunded"] + amount
    whole = given == charge["amount"]
    desk.books.change(charge, at, "charge.refunded", amount_refunded=given, refunded=whole)


def _fee(cents: int, charge: Json) -> int:
    foreign = charge["payment_method_details"]["card"]["country"] != "US"
    percent = Decimal("2.9") + (Decimal("1.5") if foreign else 0) + (1 if charge["currency"] != "usd" else 0)
    return int((Decimal(cents) * percent / 100).to_integral_value(ROUND_HALF_UP)) + 30
