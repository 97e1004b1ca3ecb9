"""What became of a campaign's codes: redeemed by who got them, by others, or never. From one snapshot.

Who redeemed a code is told by discounts on subscriptions and invoices. A redemption that tells nobody (a
single payment) is counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, select

from pipelines.campaigns.offers import shared_key
from pipelines.campaigns.states import find
from pipelines.state import reading
from pipelines.state.tables import offers, recipients

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

_CODES, _PEOPLE = "marts.dim_promotion_codes", "marts.dim_customers"
# The ids are of one campaign: few beside all the codes that a business ever made.
_FATE = f"""
with codes as (
    select * from {_CODES} where promotion_code_id in (select unnest(?))
), redeemers as (
    select promotion_code_id, unnest(customer_ids) as customer_id from codes
), known as (
    select person_id, unnest(stripe_customer_ids) as customer_id from {_PEOPLE}
), people as (
    select promotion_code_id, list(distinct person_id) as person_ids
    from redeemers inner join known using (customer_id) group by promotion_code_id
)
select promotion_code_id, times_redeemed, expires_at, customer_ids, person_ids
from codes left join people using (promotion_code_id)
"""

_FATES = {
    "redeemed": "redeemed by who got them",
    "leaked": "redeemed by somebody else",
    "redeemed_unknown": "redeemed by nobody knows whom",
    "wasted": "expired unused",
    "open": "not used yet",
}


def offers_told(engine: Engine, snapshot: Snapshot | None, name: str) -> dict[str, Any] | None:
    """Counts of the campaign's codes; None where it offered none. Without a snapshot only what was created.

    `created` and `failed` are of the ledger. Of those created are `redeemed` (by a recipient of the code),
    `leaked` (by somebody else), `redeemed_unknown` (Stripe does not tell by whom), `wasted` (expired and
    never used) and `open`; a code for all counts each of its redemptions.
    """
    with reading(engine) as connection:
        find(connection, name)
        rows = connection.execute(
            select(offers.c.dedupe_key, offers.c.stripe_code_id, offers.c.state, offers.c.expires_at).where(
                offers.c.campaign == name
            )
        ).all()
        owners = connection.execute(
            select(recipients.c.dedupe_key, recipients.c.person_id).where(
                recipients.c.campaign == name, recipients.c.in_flight_at.is_not(None)
            )
        ).all()
    if not rows:
        return None
    states = Counter(row.state for row in rows)
    told: dict[str, Any] = {"created": states["created"], "failed": states["failed"]}
    fates = _fates(snapshot, [str(row.stripe_code_id) for row in rows if row.state == "created"])
    if snapshot is None or fates is None:
        return told
    by_key = {row.dedupe_key: {str(row.person_id)} for row in owners}
    by_key[shared_key(name)] = {str(row.person_id) for row in owners}
    counts = Counter[str]()
    for row in rows:
        if row.state == "created":
            known = fates.get(str(row.stripe_code_id))
            counts += _counted(known, row.expires_at, by_key.get(row.dedupe_key, set()), snapshot.as_of)
    return {**told, **{fate: counts[fate] for fate in ("redeemed", "leaked", "redeemed_unknown", "wasted", "open")}}


def offers_words(told: Mapping[str, int]) -> str:
    """The counts of `offers_told` as a sentence for people."""
    made = f"Discount codes: {told['created']:,} created"
    if told["failed"]:
        made += f", {told['failed']:,} that Stripe refused"
    fates = [f"{told[fate]:,} {words}" for fate, words in _FATES.items() if told.get(fate)]
    if "open" not in told:
        return f"{made}; what became of them is known once a build has published it."
    return f"{made}; {', '.join(fates)}." if fates else f"{made}."


def _fates(snapshot: Snapshot | None, ids: list[str]) -> dict[str, tuple[Any, ...]] | None:
    if snapshot is None or not (snapshot.has(_CODES) and snapshot.has(_PEOPLE)):
        return None
    cursor = snapshot.cursor()
    try:
        return {str(row[0]): row[1:] for row in cursor.execute(_FATE, [ids]).fetchall()}
    finally:
        cursor.close()


def _counted(
    known: tuple[Any, ...] | None, expires_at: datetime | None, owners: set[str], now: datetime
) -> Counter[str]:
    times, expires, customers, people = known or (0, None, [], [])
    end = expires.replace(tzinfo=UTC) if expires is not None else expires_at
    used = max(int(times), len(customers))
    if not used:
        return Counter({"wasted" if end is not None and end <= now else "open": 1})
    own = len(owners & set(people or []))
    # Customers whom no person is known for are strangers, too.
    foreign = max(len(customers) - own, 0)
    return Counter({"redeemed": own, "leaked": foreign, "redeemed_unknown": max(used - own - foreign, 0)})
