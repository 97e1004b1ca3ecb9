"""Payouts: every Monday each bank account gets what has become available in its currency, by a rule and not by chance.

Each balance transaction that was paid out names its payout. What would leave nothing to pay waits.
"""

from __future__ import annotations

from typing import Any

from pipelines.demo import shapes_money as shapes
from pipelines.demo.books import Books
from pipelines.demo.clock import DAY, HOUR

Json = dict[str, Any]

WEEK = 7 * DAY
# The epoch was a Thursday.
FIRST_MONDAY = 4 * DAY


def pay_out(books: Books, start: int) -> None:
    """Make the payouts of the whole story; call it once, when every charge and refund is in the books."""
    waiting = sorted(books.objects["balance_transactions"].values(), key=lambda entry: entry["available_on"])
    # Only the filter knows the payout: Stripe does not show it in the balance transaction.
    for entry in waiting:
        entry["payout"] = None
    monday = start - (start - FIRST_MONDAY) % WEEK + WEEK
    due: dict[str, list[Json]] = {}
    position = 0
    for at in range(monday, books.end, WEEK):
        while position < len(waiting) and waiting[position]["available_on"] <= at:
            due.setdefault(waiting[position]["currency"], []).append(waiting[position])
            position += 1
        for currency, members in due.items():
            if (amount := sum(entry["net"] for entry in members)) > 0:
                _pay(books, at, amount, currency, members)
                due[currency] = []


def _pay(books: Books, at: int, amount: int, currency: str, members: list[Json]) -> None:
    identity, arrives = books.new_id("po_1", 23), at + 2 * DAY
    entry = shapes.balance_transaction(
        books.new_id("txn_1", 23), "payout", identity, at, amount=-amount, fee=0, currency=currency, exchange_rate=None,
        available_on=arrives, status="available" if arrives < books.end else "pending",
        description="STRIPE PAYOUT",
    )  # fmt: skip
    for member in [*members, entry]:
        member["payout"] = identity
    books.add(entry, at)
    made = shapes.payout(identity, amount, currency, at, arrives, entry["id"])
    books.add(made, at, "payout.created")
    if arrives + 9 * HOUR < books.end:
        books.change(made, arrives + 9 * HOUR, "payout.paid", status="paid", reconciliation_status="completed")
