"""One person: traits of the snapshot, stays in segments, and whether a mail may go there now."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine, select

from pipelines.errors import UsageError
from pipelines.people.rows import shown
from pipelines.privacy import InvalidAddressError, may_mail, normalise
from pipelines.privacy.rights import Policy
from pipelines.state import reading
from pipelines.state.tables import segment_memberships as memberships
from pipelines.warehouse import Snapshot


class Stay(NamedTuple):
    """A time in a segment; `left_at` is None while it lasts."""

    segment: str
    entered_at: datetime
    left_at: datetime | None


class Profile(NamedTuple):
    """What is known of a person. `refusal` says why no marketing mail may go there; None: it may."""

    person_id: str
    traits: dict[str, Any]
    stays: list[Stay]
    refusal: str | None


def profile(
    snapshot: Snapshot, engine: Engine, person: str, *, policy: Policy, sees_addresses: bool = False
) -> Profile:
    """The person of this id, Stripe customer id or whole e-mail address.

    Traits are those of the snapshot; segments and permission are those of now, by the state store.

    Raises:
        UsageError: the snapshot knows nobody like that.
    """
    traits = _found(snapshot, person)
    with reading(engine) as connection:
        refusal = may_mail(connection, traits["email"], policy=policy, pays=(traits["payments_count"] or 0) > 0)
        stays = [
            Stay(row.segment, row.entered_at, row.left_at)
            for row in connection.execute(
                select(memberships.c.segment, memberships.c.entered_at, memberships.c.left_at)
                .where(memberships.c.person_id == traits["person_id"])
                .order_by(memberships.c.entered_at.desc(), memberships.c.segment)
            )
        ]
    return Profile(traits["person_id"], shown(traits, sees_addresses), stays, refusal)


def _found(snapshot: Snapshot, person: str) -> dict[str, Any]:
    wanted = person.strip()
    try:
        address: str | None = normalise(wanted)
    except InvalidAddressError:
        address = None
    if snapshot.has("marts.dim_customers"):
        found = snapshot.query(
            """
            select * from marts.dim_customers
            where person_id = $person or list_contains(stripe_customer_ids, $person) or lower(email) = $address
            order by person_id = $person desc, person_id limit 1
            """,
            person=wanted,
            address=address,
        )
        for row in found.iter_rows(named=True):
            return row
    raise UsageError(f"this snapshot knows nobody by the id or address {wanted[:80]!r}.")
