"""Count again at Stripe: our published figures against Stripe's own lists, to the minor unit.

Theirs is asked anew over the API and summed here; ours is read from the snapshot. One row per
object and currency; `unexplained_minor` must be 0. Up to the snapshot's moment only, so that what
happened since is no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines.stripe.client import StripeApi
from pipelines.warehouse import Snapshot

Thing = dict[str, object]


@dataclass(frozen=True)
class _Compared:
    """One object: where Stripe lists it, which of them count, and our own figures."""

    name: str
    path: str
    counts: Callable[[Thing], bool]
    amount: str
    ours: str


_COMPARED = (
    _Compared(
        "charge",
        "/v1/charges",
        lambda thing: thing["status"] == "succeeded" and bool(thing.get("captured", True)),
        "amount_captured",
        "select currency, count(*), sum(amount_minor) from marts.fct_payments where kind = 'charge' group by currency",
    ),
    _Compared(
        "refund",
        "/v1/refunds",
        lambda thing: thing["status"] not in ("failed", "canceled"),
        "amount",
        "select currency, count(*), -sum(amount_minor) from marts.fct_payments where kind = 'refund' group by currency",
    ),
    _Compared(
        "invoice",
        "/v1/invoices",
        lambda thing: thing["status"] == "paid",
        "amount_paid",
        "select currency, count(*), sum(paid_minor) from marts.fct_invoices "
        "where invoice_status = 'paid' group by currency",
    ),
    _Compared(
        "balance_transaction",
        "/v1/balance_transactions",
        lambda thing: thing["type"] in ("charge", "payment", "refund", "payment_refund"),
        "net",
        "select settlement_currency, count(*), sum(net_minor) from marts.fct_payments "
        "where net_minor is not null group by settlement_currency",
    ),
)


def reconcile(snapshot: Snapshot, api: StripeApi) -> list[dict[str, object]]:
    """Rows of `revenue reconcile`: object, currency, counts and sums of both sides, the difference.

    Raises:
        MillstreamError: Stripe refused or did not answer.
    """
    until = int(snapshot.as_of.timestamp())
    rows: list[dict[str, object]] = []
    for compared in _COMPARED:
        ours = {str(row[0]): (int(row[1]), int(row[2])) for row in snapshot.query(compared.ours).iter_rows()}
        theirs = _theirs(compared, api, until)
        for currency in sorted(ours.keys() | theirs.keys()):
            our_count, our_minor = ours.get(currency, (0, 0))
            their_count, their_minor = theirs.get(currency, (0, 0))
            rows.append(
                {
                    "object": compared.name,
                    "currency": currency,
                    "ours_count": our_count,
                    "theirs_count": their_count,
                    "ours_minor": our_minor,
                    "theirs_minor": their_minor,
                    "unexplained_minor": our_minor - their_minor,
                }
            )
    return rows


def _theirs(compared: _Compared, api: StripeApi, until: int) -> dict[str, tuple[int, int]]:
    totals: dict[str, tuple[int, int]] = {}
    for thing in _things(api, compared.path, until):
        if not compared.counts(thing):
            continue
        currency = str(thing["currency"]).upper()
        count, minor = totals.get(currency, (0, 0))
        totals[currency] = (count + 1, minor + int(str(thing[compared.amount])))
    return totals


def _things(api: StripeApi, path: str, until: int) -> Iterator[Thing]:
    for page in api.pages(path, {"created": {"lte": until}}):
        yield from page.objects
