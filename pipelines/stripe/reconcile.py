"""Count again at Stripe: our published figures against Stripe's own lists, object by object, to the minor unit.

Theirs is asked anew over the API; ours is read from the snapshot. Sums per object and currency, and every
object that is not the same on both sides, so that two errors never make one right sum. Both sides are cut
at the moment up to which the snapshot holds everything: that of its last completed sync, not that of its
publish. What happened since is no difference, so an object counts as it stood at the cut wherever Stripe
tells when it changed: a charge and a refund by their balance transactions, an invoice by `paid_at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from pipelines.errors import MillstreamError
from pipelines.stripe.client import StripeApi
from pipelines.stripe.counted import SCHEMA, counted
from pipelines.warehouse import Snapshot

Row = dict[str, object]

# A payment that names an entry we have not loaded was booked after the cut; theirs leaves it out as well.
_WITHIN = (
    "account = $account and paid_at <= $until "
    "and (settled_at <= $until or (settled_at is null and balance_transaction_id is null))"
)
# Each: id, currency, minor units, what it adds to the count, day, the object that a balance transaction books.
_OURS = {
    "charge": "select payment_id, currency, amount_minor, 1, paid_at, null from marts.fct_payments "
    f"where kind = 'charge' and {_WITHIN}",
    "refund": "select payment_id, currency, -amount_minor, (amount_minor < 0)::bigint, paid_at, null "
    f"from marts.fct_payments where kind = 'refund' and {_WITHIN}",
    "dispute": "select payment_id, settlement_currency, settled_minor, 1, paid_at, null from marts.fct_payments "
    f"where kind = 'dispute' and {_WITHIN}",
    "invoice": "select invoice_id, currency, paid_minor, 1, coalesce(paid_at, created_at), null "
    "from marts.fct_invoices where account = $account and invoice_status = 'paid' and created_at <= $until "
    "and coalesce(paid_at, created_at) <= $until",
    "balance_transaction": "select balance_transaction_id, settlement_currency, net_minor, 1, settled_at, payment_id "
    f"from marts.fct_payments where net_minor is not null and {_WITHIN}",
    "payout": "select payout_id, currency, amount_minor, 1, created_at, null from marts.fct_payouts "
    "where account = $account and created_at <= $until",
}
_SIDES = ["object", "id", "currency"]


@dataclass(frozen=True)
class Reconciled:
    """Both sides at the moment `until`: sums per object and currency, objects that differ, and their days."""

    until: datetime
    rows: list[Row]
    unexplained: list[Row]
    days: list[Row]

    @property
    def unexplained_minor(self) -> int:
        """The one figure that must be 0: what the objects that differ differ by."""
        return sum(
            abs(int(str(one["ours_minor"] or 0)) - int(str(one["theirs_minor"] or 0))) for one in self.unexplained
        )


def reconcile(snapshot: Snapshot, api: StripeApi, *, account: str = "default") -> Reconciled:
    """Compare what is published of an account with Stripe's lists.

    Raises:
        MillstreamError: Stripe refused or did not answer, or the snapshot holds no completed sync of this
            account in the key's mode.
    """
    until = complete_until(snapshot, account, api.mode)
    ours, theirs = _ours(snapshot, account, until), counted(api, until)
    differing = _differing(ours, theirs)
    return Reconciled(
        until,
        _sums(ours, theirs, ["object", "currency"]),
        list(differing.iter_rows(named=True)),
        _sums(ours, theirs, ["object", "currency", "day"], of=differing),
    )


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


def _ours(snapshot: Snapshot, account: str, until: datetime) -> pl.DataFrame:
    """What is published, in the columns of `SCHEMA`."""
    parts = []
    for name, sql in _OURS.items():
        found = snapshot.query(
            "select $name::varchar, id::varchar, currency::varchar, minor::bigint, times::bigint, moment::date, "
            f"source::varchar from ({sql}) as told (id, currency, minor, times, moment, source)",
            name=name,
            account=account,
            until=until.replace(tzinfo=None),
        )
        found.columns = list(SCHEMA)
        parts.append(found.cast(SCHEMA))  # type: ignore[arg-type]
    return pl.concat(parts)


def _sums(ours: pl.DataFrame, theirs: pl.DataFrame, by: list[str], of: pl.DataFrame | None = None) -> list[Row]:
    """Counts and sums of both sides; with `of` only of the groups in which one of these objects is."""
    sides = [
        side.group_by(by).agg(pl.sum("times").alias(f"{name}_count"), pl.sum("minor").alias(f"{name}_minor"))
        for name, side in (("ours", ours), ("theirs", theirs))
    ]
    both = sides[0].join(sides[1], on=by, how="full", coalesce=True)
    if of is not None:
        both = both.join(of, on=by, how="semi")
    names = ["ours_count", "theirs_count", "ours_minor", "theirs_minor"]
    order = pl.DataFrame({"object": list(_OURS), "place": range(len(_OURS))})
    told = (
        both.with_columns(pl.col(names).fill_null(0))
        .join(order, on="object", how="left")
        .sort("place", *by[1:])
        .select(*by, *names, (pl.col("ours_minor") - pl.col("theirs_minor")).alias("unexplained_minor"))
    )
    return list(told.iter_rows(named=True))


def _differing(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Objects that one side lacks, or that are worth something else there.

    The balance transaction of an object that differs is told by that object.
    """
    both = ours.join(theirs, on=_SIDES, how="full", coalesce=True, suffix="_there")
    is_here, is_there = pl.col("times").is_not_null(), pl.col("times_there").is_not_null()
    same = (pl.col("minor") == pl.col("minor_there")) & (pl.col("times") == pl.col("times_there"))
    found = both.filter(~(is_here & is_there & same)).select(
        *_SIDES,
        pl.col("minor").alias("ours_minor"),
        pl.col("minor_there").alias("theirs_minor"),
        pl.coalesce("day_there", "day").alias("day"),
        pl.when(~is_here)
        .then(pl.lit("not here"))
        .when(~is_there)
        .then(pl.lit("not at Stripe"))
        .otherwise(pl.lit("another amount"))
        .alias("reason"),
        pl.coalesce("source_there", "source").alias("source"),
    )
    booked = pl.col("object") == "balance_transaction"
    told = found.filter(~booked).get_column("id")
    # A dispute is told by the entry itself.
    is_told = booked & (pl.col("source").is_in(told.implode()) | pl.col("id").is_in(told.implode()))
    return found.filter(~is_told.fill_null(value=False)).drop("source").sort("day", *_SIDES)
