"""Balance transactions of charges, refunds and disputes, and the refunds themselves.

A balance transaction is in the currency of the balance that its charge settled on, and so is all that
follows from the charge; a refund does not return the fee.
Some refunds of an invoice are made by a credit note over it.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pipelines.demo import shapes_money as shapes
from pipelines.demo.clock import DAY
from pipelines.demo.credit_notes import credit_note
from pipelines.demo.desk import Desk

Json = dict[str, Any]

REFUND_RISK = 0.02
CREDIT_NOTES = 0.3
DISPUTE_FEE = 1_500
"""Minor units of the balance."""
REASONS = ("requested_by_customer", "requested_by_customer", "duplicate")


def enter_balance(desk: Desk, charge: Json, kind: str, source: str, amount: int, at: int) -> str:
    """Enter `amount` (negative for money that leaves) of the charge's currency; answers the entry's id."""
    identity: str = _enter(desk, charge, kind, source, amount, at)["id"]
    return identity


def enter_dispute(desk: Desk, charge: Json, source: str, amount: int, at: int) -> Json:
    """Enter what a bank took back (negative; it costs a fee) or returned after a dispute was won."""
    return _enter(desk, charge, "adjustment", source, amount, at)


def maybe_refund(desk: Desk, charge: Json, at: int, invoice: Json) -> bool:
    """Now and then a charge is given back within three weeks, wholly or in part; answers whether it will be."""
    if desk.rng.random() >= REFUND_RISK:
        return False
    part = 1.0 if desk.rng.random() < 0.6 else desk.rng.uniform(0.2, 0.7)
    amount = max(1, round(charge["amount"] * part))
    noted = desk.rng.random() < CREDIT_NOTES
    moment = at + desk.rng.randint(3_600, 21 * DAY)
    desk.agenda.at(moment, _refund, desk, charge, amount, invoice if noted else None)
    return True


def _enter(desk: Desk, charge: Json, kind: str, source: str, amount: int, at: int) -> Json:
    currency = desk.rates.settlement(charge["currency"], charge["created"])
    settled, rate = desk.rates.settle(amount, charge["currency"], currency, at)
    available = at - at % DAY + 3 * DAY
    fee = _fee(settled, charge, is_exchanged=rate is not None) if amount > 0 else 0
    category, text = kind, charge["description"]
    if kind == "refund":
        text = f"REFUND FOR CHARGE ({text})"
    elif kind == "adjustment":
        # A bank acts at once, and the fee of a dispute is not given back.
        available = at
        category, fee = ("dispute", DISPUTE_FEE) if amount < 0 else ("dispute_reversal", 0)
        text = f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {charge['id']}"
    entry = shapes.balance_transaction(
        desk.books.new_id("txn_3", 23), kind, source, at,
        amount=settled, fee=fee, currency=currency, exchange_rate=rate, available_on=available,
        status="available" if available < desk.books.end else "pending", description=text,
    )  # fmt: skip
    entry["reporting_category"] = category
    if category == "dispute":
        entry["fee_details"] = [entry["fee_details"][0] | {"description": "Dispute fee"}]
    desk.books.add(entry, at)
    return entry


def _refund(at: int, desk: Desk, charge: Json, amount: int, invoice: Json | None) -> None:
    identity, reason = desk.books.new_id("re_3", 23), desk.rng.choice(REASONS)
    entry_id = enter_balance(desk, charge, "refund", identity, -amount, at)
    refund = shapes.refund(identity, charge, amount, at, reason, entry_id)
    # Many refunds reach a listener only through their charge, as with Stripe itself.
    desk.books.add(refund, at, *(("refund.created",) if desk.rng.random() < 0.5 else ()))
    given = charge["amount_refunded"] + amount
    whole = given == charge["amount"]
    desk.books.change(charge, at, "charge.refunded", amount_refunded=given, refunded=whole)
    if invoice is not None:
        note = credit_note(desk.books.new_id("cn_1", 23), invoice, refund, at)
        desk.books.add(note, at, "credit_note.created")
        noted = invoice["post_payment_credit_notes_amount"] + amount
        desk.books.change(invoice, at, "invoice.updated", post_payment_credit_notes_amount=noted)


def _fee(settled: int, charge: Json, *, is_exchanged: bool) -> int:
    foreign = charge["payment_method_details"]["card"]["country"] != "US"
    percent = Decimal("2.9") + (Decimal("1.5") if foreign else 0) + (1 if is_exchanged else 0)
    return int((Decimal(settled) * percent / 100).to_integral_value(ROUND_HALF_UP)) + 30
