"""Find people by name, address or id; sorted and paged in SQL, so that a million of them cost one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pipelines.errors import UsageError
from pipelines.privacy import InvalidAddressError, mask, normalise
from pipelines.warehouse import Snapshot

Row = dict[str, Any]

COLUMNS = (
    "person_id",
    "name",
    "email",
    "plan",
    "subscription_status",
    "mrr_minor",
    "mrr_currency",
    "lifetime_value_minor",
    "currency",
    "country",
    "first_seen_at",
    "last_seen_at",
)
"""What a row of a list of people tells."""

_SORTS = {
    "mrr": "coalesce(mrr_minor / of_mrr.minor_per_euro, 0) desc",
    "lifetime": "coalesce(lifetime_value_minor / of_paid.minor_per_euro, 0) desc",
    "name": "lower(name) nulls last",
    "first_seen": "first_seen_at desc nulls last",
    "last_seen": "last_seen_at desc nulls last",
}
SORTS = tuple(_SORTS)
PAGE = 50
LONGEST = 200


class Found(NamedTuple):
    """One page of the people that fit, and how many there are on all pages."""

    total: int
    rows: list[Row]


def search(
    snapshot: Snapshot,
    text: str = "",
    *,
    sort: str = "mrr",
    page: int = 1,
    size: int = PAGE,
    sees_addresses: bool = False,
) -> Found:
    """People whose name holds `text`, or whose id or address it is; everybody where it is empty.

    Who may not see addresses finds by a whole address only: a part of one would let it be guessed.

    Raises:
        UsageError: an order, a page or a size that there is not.
    """
    if sort not in _SORTS:
        raise UsageError(f"--sort {sort}: write one of {', '.join(SORTS)}.")
    if page < 1:
        raise UsageError(f"--page {page}: pages begin at 1.")
    if not 1 <= size <= 1000:
        raise UsageError(f"--limit {size}: write a number from 1 to 1000.")
    if not snapshot.has("marts.dim_customers"):
        return Found(0, [])
    wanted = text.strip().lower()[:LONGEST]
    values: dict[str, object] = {"text": wanted, "address": _address(wanted), "part": sees_addresses}
    where = _FITS if wanted else "true"
    bound = values if wanted else {}
    total = int(snapshot.query(f"select count(*) from marts.dim_customers where {where}", **bound).item())
    rows = snapshot.query(
        _PAGE.format(columns=", ".join(f"found.{name}" for name in COLUMNS), where=where, order=_SORTS[sort]),
        **bound,
        day=snapshot.as_of.date(),
        size=size,
        skip=(page - 1) * size,
    )
    return Found(total, [_shown(row, sees_addresses) for row in rows.iter_rows(named=True)])


def people(snapshot: Snapshot, person_ids: Sequence[str], *, sees_addresses: bool = False) -> list[Row]:
    """These people in this order; ids that the snapshot does not know are left out."""
    if not person_ids or not snapshot.has("marts.dim_customers"):
        return []
    found = snapshot.query(
        f"select {', '.join(COLUMNS)} from marts.dim_customers where list_contains($ids, person_id)",
        ids=list(person_ids),
    )
    known = {row["person_id"]: row for row in found.iter_rows(named=True)}
    return [_shown(known[person], sees_addresses) for person in dict.fromkeys(person_ids) if person in known]


def _shown(row: Row, sees_addresses: bool) -> Row:
    return row if sees_addresses else {**row, "email": mask(row["email"])}


def _address(text: str) -> str | None:
    try:
        return normalise(text)
    except InvalidAddressError:
        return None


# Amounts of several currencies are compared by their last rates; the rows show each in its own.
_PAGE = """
with rates as (
    select currency, units_per_eur from marts.exchange_rates where rate_date <= $day
    qualify row_number() over (partition by currency order by rate_date desc) = 1
    union all select 'EUR', 1
),
worth as (
    select currency, units_per_eur * power(10, coalesce(exponent, 2)) as minor_per_euro
    from rates left join marts.currencies using (currency)
),
found as (select * from marts.dim_customers where {where})
select {columns}
from found
left join worth as of_mrr on found.mrr_currency = of_mrr.currency
left join worth as of_paid on found.currency = of_paid.currency
order by {order}, found.person_id limit $size offset $skip
"""

_FITS = """(
    contains(lower(coalesce(name, '')), $text)
    or lower(person_id) = $text or lower(coalesce(user_id, '')) = $text
    or list_contains(list_transform(coalesce(stripe_customer_ids, []), lambda one: lower(one)), $text)
    or lower(coalesce(email, '')) = coalesce($address, $text)
    or ($part and contains(lower(coalesce(email, '')), $text))
)"""
