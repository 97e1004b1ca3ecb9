"""Stripe's side of the reconciliation: what its lists tell of each object, as it stood at the cut.

One row per object, in a frame: what is held of an object is its id, currency, amount and day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from pipelines.stripe.client import StripeApi

Thing = dict[str, Any]
Told = tuple[str, str, str, int, int, date, str | None, str | None]

SCHEMA = {
    "object": pl.String,
    "id": pl.String,
    "currency": pl.String,
    "minor": pl.Int64,
    "times": pl.Int64,
    "day": pl.Date,
    "source": pl.String,
}
"""One row per object; `times` is what it adds to a count, `source` the object that a balance transaction books."""
_GATHERED = {**SCHEMA, "booked_by": pl.String}
_PART = 20_000

_OVER = ("failed", "canceled")
_MOVING = ("charge", "payment", "refund", "payment_refund", "refund_failure")
_DISPUTED = ("dispute", "dispute_reversal")


def counted(api: StripeApi, until: datetime) -> pl.DataFrame:
    """Every object of Stripe's lists that counts at the moment `until`, in the columns of `SCHEMA`."""
    gathered = _Gathered(int(until.timestamp()))
    # What was made after the cut is not even asked for.
    asked: dict[str, object] = {"created": {"lte": gathered.until}}
    for path, take in {
        "/v1/balance_transactions": gathered.entry,
        "/v1/charges": gathered.charge,
        "/v1/refunds": gathered.refund,
        "/v1/disputes": gathered.dispute,
        "/v1/invoices": gathered.invoice,
        "/v1/payouts": gathered.payout,
    }.items():
        for thing in _things(api, path, asked):
            take(thing)
    return gathered.frame()


@dataclass
class _Gathered:
    """Rows on their way into a frame. `booked_by` names the balance transaction without which a row does not count."""

    until: int
    rows: list[Told] = field(default_factory=list)
    parts: list[pl.DataFrame] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    unpaid: list[str] = field(default_factory=list)

    def frame(self) -> pl.DataFrame:
        """What counts: not what was booked later, and not the entries of charges that did not go through."""
        self._flush()
        every = pl.concat(self.parts)
        entries, unpaid = pl.Series(self.entries, dtype=pl.String), pl.Series(self.unpaid, dtype=pl.String)
        is_booked = pl.col("booked_by").is_null() | pl.col("booked_by").is_in(entries.implode())
        is_unpaid = pl.col("source").is_in(unpaid.implode()).fill_null(value=False)
        return every.filter(is_booked & ~is_unpaid).drop("booked_by")

    def entry(self, entry: Thing) -> None:
        """A balance transaction; only one of a payment counts, every one can be named by a payment."""
        self.entries.append(str(entry["id"]))
        is_disputed = entry["type"] == "adjustment" and entry.get("reporting_category") in _DISPUTED
        if entry["type"] in _MOVING or is_disputed:
            self._add("balance_transaction", entry, int(entry["net"]), entry["created"], source=_id(entry["source"]))

    def charge(self, charge: Thing) -> None:
        """A charge that went through."""
        if charge["status"] != "succeeded" or not charge.get("captured", True):
            self.unpaid.append(str(charge["id"]))
            return
        booked_by = _id(charge.get("balance_transaction"))
        self._add("charge", charge, int(charge["amount_captured"]), charge["created"], booked_by=booked_by)

    def refund(self, refund: Thing) -> None:
        """A refund that left the balance; one that failed after the cut still counts as given back there."""
        entry, back = _id(refund.get("balance_transaction")), _id(refund.get("failure_balance_transaction"))
        is_over = refund["status"] in _OVER
        if is_over and not (back and entry):
            return
        self._add("refund", refund, int(refund["amount"]), refund["created"], booked_by=entry)
        if is_over:
            returned = refund | {"id": back}
            self._add("refund", returned, -int(refund["amount"]), refund["created"], times=0, booked_by=back)

    def dispute(self, dispute: Thing) -> None:
        """What a dispute moved, by its balance transactions."""
        for entry in dispute.get("balance_transactions") or []:
            if entry["created"] <= self.until and (entry["amount"] or entry["fee"]):
                self._add("dispute", entry, int(entry["amount"]), entry["created"])

    def invoice(self, invoice: Thing) -> None:
        """An invoice that was paid by the cut."""
        moment = (invoice.get("status_transitions") or {}).get("paid_at")
        if invoice["status"] == "paid" and (moment is None or moment <= self.until):
            self._add("invoice", invoice, int(invoice["amount_paid"]), moment or invoice["created"])

    def payout(self, payout: Thing) -> None:
        """A payout, in whatever state: a failed one comes back as an entry of its own."""
        self._add("payout", payout, int(payout["amount"]), payout["created"])

    def _add(
        self,
        name: str,
        thing: Thing,
        minor: int,
        at: int,
        *,
        times: int = 1,
        source: str | None = None,
        booked_by: str | None = None,
    ) -> None:
        day = datetime.fromtimestamp(at, UTC).date()
        currency = str(thing["currency"]).upper()
        self.rows.append((name, str(thing["id"]), currency, minor, times, day, source, booked_by))
        if len(self.rows) >= _PART:
            self._flush()

    def _flush(self) -> None:
        self.parts.append(pl.DataFrame(self.rows, schema=_GATHERED, orient="row"))
        self.rows = []


def _id(reference: object) -> str | None:
    """The id of what may be expanded."""
    identity = reference.get("id") if isinstance(reference, dict) else reference
    return None if identity is None else str(identity)


def _things(api: StripeApi, path: str, asked: dict[str, object]) -> Iterator[Thing]:
    for page in api.pages(path, asked):
        yield from page.objects
