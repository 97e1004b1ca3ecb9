"""Count again at Stripe: our published figures against Stripe's own lists, to the minor unit.

Theirs is asked anew over the API and summed here; ours is read from the snapshot. One row per
object and currency; `unexplained_minor` must be 0. Both sides are cut at the moment up to which the
snapshot holds everything: that of its last completed sync, not that of its publish. What happened
since is no difference, so an object counts as it stood at the cut wherever Stripe tells when it
changed: a charge and a refund by their balance transactions, an invoice by `paid_at`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipelines.errors import MillstreamError
from pipelines.stripe.client import StripeApi
from pipelines.warehouse import Snapshot

Thing = dict[str, Any]
Sums = dict[str, tuple[int, int]]
"""Count and minor units by currency."""

_OVER = ("failed", "canceled")
_MOVING = ("charge", "payment", "refund", "payment_refund", "refund_failure")
_DISPUTED = ("dispute", "dispute_reversal")

# A payment that names an entry we have not loaded was booked after the cut; theirs leaves it out as well.
_WITHIN = (
    "account = $account and paid_at <= $until "
    "and (settled_at <= $until or (settled_at is null and balance_transaction_id is null))"
)
_OURS = {
    "charge": "select currency, count(*), sum(amount_minor) from marts.fct_payments "
    f"where kind = 'charge' and {_WITHIN} group by currency",
    "refund": "select currency, count(*) filter (amount_minor < 0), -sum(amount_minor) from marts.fct_payments "
    f"where kind = 'refund' and {_WITHIN} group by currency",
    "dispute": "select settlement_currency, count(*), sum(settled_minor) from marts.fct_payments "
    f"where kind = 'dispute' and {_WITHIN} group by settlement_currency",
    "invoice": "select currency, count(*), sum(paid_minor) from marts.fct_invoices where account = $account "
    "and invoice_status = 'paid' and created_at <= $until and coalesce(paid_at, created_at) <= $until "
    "group by currency",
    "balance_transaction": "select settlement_currency, count(*), sum(net_minor) from marts.fct_payments "
    f"where net_minor is not null and {_WITHIN} group by settlement_currency",
}


def reconcile(
    snapshot: Snapshot, api: StripeApi, *, account: str = "default"
) -> tuple[datetime, list[dict[str, object]]]:
    """The cut, and the rows of `revenue reconcile`: object, currency, both counts and sums, the difference.

    Raises:
        MillstreamError: Stripe refused or did not answer, or the snapshot holds no completed sync of this
            account in the key's mode.
    """
    until = complete_until(snapshot, account, api.mode)
    counted = _Counted(int(until.timestamp()))
    counted.ask(api)
    rows: list[dict[str, object]] = []
    for name, sql in _OURS.items():
        found = snapshot.query(sql, account=account, until=until.replace(tzinfo=None))
        ours = {str(row[0]): (int(row[1]), int(row[2])) for row in found.iter_rows()}
        theirs = counted.sums[name]
        for currency in sorted(ours.keys() | theirs.keys()):
            our_count, our_minor = ours.get(currency, (0, 0))
            their_count, their_minor = theirs.get(currency, (0, 0))
            rows.append(
                {
                    "object": name,
                    "currency": currency,
                    "ours_count": our_count,
                    "theirs_count": their_count,
                    "ours_minor": our_minor,
                    "theirs_minor": their_minor,
                    "unexplained_minor": our_minor - their_minor,
                }
            )
    return until, rows


def complete_until(snapshot: Snapshot, account: str, mode: str) -> datetime:
    """The moment up to which this snapshot holds everything of the account.

    Raises:
        MillstreamError: it holds no completed sync of the account in this mode.
    """
    if snapshot.has("health.syncs"):
        found = snapshot.query(
            "select complete_until from health.syncs where source = 'stripe' and account = $account and mode = $mode",
            account=account,
            mode=mode,
        )
        if not found.is_empty():
            moment: datetime = found.item()
            return moment.replace(tzinfo=UTC)
    raise MillstreamError(
        f"snapshot {snapshot.number} holds no completed sync of the account {account} in {mode} mode, so there is "
        "nothing to count against. Run `millstream run` (or `millstream ingest stripe`, then `millstream build`)."
    )


@dataclass
class _Counted:
    """Stripe's side: what its lists add up to at the cut (seconds since 1970)."""

    until: int
    sums: dict[str, Sums] = field(default_factory=lambda: {name: {} for name in _OURS})

    def ask(self, api: StripeApi) -> None:
        """Read the five lists; what was made after the cut is not even asked for."""
        asked: dict[str, object] = {"created": {"lte": self.until}}
        entries = {str(one["id"]): _Entry.of(one) for one in _things(api, "/v1/balance_transactions", asked)}
        unpaid = set(self._charges(_things(api, "/v1/charges", asked), entries))
        self._refunds(_things(api, "/v1/refunds", asked), entries)
        self._disputes(_things(api, "/v1/disputes", asked))
        for invoice in _things(api, "/v1/invoices", asked):
            moment = (invoice.get("status_transitions") or {}).get("paid_at")
            if invoice["status"] == "paid" and (moment is None or moment <= self.until):
                self._add("invoice", invoice["currency"], int(invoice["amount_paid"]))
        for entry in entries.values():
            if entry.is_of_payment and entry.source not in unpaid:
                self._add("balance_transaction", entry.currency, entry.net)

    def _charges(self, things: Iterable[Thing], entries: dict[str, _Entry]) -> Iterator[str]:
        """Count the charges; answers those that did not go through, whose entries are no payments."""
        for charge in things:
            if charge["status"] != "succeeded" or not charge.get("captured", True):
                yield str(charge["id"])
            elif _is_booked(charge.get("balance_transaction"), entries):
                self._add("charge", charge["currency"], int(charge["amount_captured"]))

    def _refunds(self, things: Iterable[Thing], entries: dict[str, _Entry]) -> None:
        for refund in things:
            back = refund.get("failure_balance_transaction")
            never_left = refund["status"] in _OVER and not (back and refund.get("balance_transaction"))
            if never_left or not _is_booked(refund.get("balance_transaction"), entries):
                continue
            self._add("refund", refund["currency"], int(refund["amount"]))
            # One that failed after the cut still counts as given back there.
            if refund["status"] in _OVER and _is_booked(back, entries):
                self._add("refund", refund["currency"], -int(refund["amount"]), times=0)

    def _disputes(self, things: Iterable[Thing]) -> None:
        for dispute in things:
            for entry in dispute.get("balance_transactions") or []:
                if entry["created"] <= self.until and (entry["amount"] or entry["fee"]):
                    self._add("dispute", entry["currency"], int(entry["amount"]))

    def _add(self, name: str, currency: str, minor: int, *, times: int = 1) -> None:
        count, sum_ = self.sums[name].get(currency.upper(), (0, 0))
        self.sums[name][currency.upper()] = (count + times, sum_ + minor)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is kept of a balance transaction."""

    currency: str
    net: int
    source: str
    is_of_payment: bool

    @staticmethod
    def of(thing: Thing) -> _Entry:
        source = thing.get("source")
        is_disputed = thing["type"] == "adjustment" and thing.get("reporting_category") in _DISPUTED
        return _Entry(
            str(thing["currency"]),
            int(thing["net"]),
            str(source["id"] if isinstance(source, dict) else source),
            thing["type"] in _MOVING or is_disputed,
        )


def _is_booked(reference: object, entries: dict[str, _Entry]) -> bool:
    """Whether the balance transaction was made by the cut; an object without one stands for itself."""
    identity = reference.get("id") if isinstance(reference, dict) else reference
    return identity is None or identity in entries


def _things(api: StripeApi, path: str, asked: dict[str, object]) -> Iterator[Thing]:
    for page in api.pages(path, asked):
        yield from page.objects
