"""The one decision about mail: why somebody may not be mailed, or that they may.

Asked when an audience is frozen and again just before each mail, because people change their mind
in between. A campaign mails for a purpose, the list that people join and leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import Connection, bindparam, case, select

from pipelines.privacy.address import InvalidAddressError, parse_address
from pipelines.privacy.consent import BATCH, MARKETING
from pipelines.privacy.suppression import suppressed
from pipelines.state import among
from pipelines.state.tables import consents

Reason: TypeAlias = Literal["no_address", "invalid_address", "suppressed", "no_consent"]
Policy: TypeAlias = Literal["required", "customers"]

# Written once: a million people are asked for five hundred at a time.
_AGREED = select(
    consents.c.address_key,
    case((consents.c.withdrawn_at.is_(None), 1), (consents.c.granted_at > consents.c.withdrawn_at, 1), else_=0),
).where(among(consents.c.address_key, "keys"), consents.c.purpose == bindparam("purpose"))


class Candidate(NamedTuple):
    """Somebody who may get a mail; `pays` says whether they ever paid."""

    email: str | None
    pays: bool = False


def reasons(
    connection: Connection, candidates: Iterable[Candidate], policy: Policy, purpose: str = MARKETING
) -> Iterator[Reason | None]:
    """For each candidate, in order: why no mail of this purpose may go there, or None if it may.

    With the policy `customers` having paid counts as consent, unless it was withdrawn.
    """
    remaining = iter(candidates)
    while batch := list(islice(remaining, BATCH)):
        yield from _batch_reasons(connection, batch, policy, purpose)


def may_mail(
    connection: Connection, email: str | None, *, policy: Policy, pays: bool = False, purpose: str = MARKETING
) -> Reason | None:
    """`reasons` for one person."""
    return next(reasons(connection, [Candidate(email, pays)], policy, purpose))


def _batch_reasons(
    connection: Connection, batch: Sequence[Candidate], policy: Policy, purpose: str
) -> list[Reason | None]:
    keys = [_key(candidate.email) for candidate in batch]
    known = {key for key in keys if key is not None}
    refused = suppressed(connection, known, purpose)
    rows = connection.execute(_AGREED, {"keys": list(known), "purpose": purpose}).all()
    agreed: dict[str, bool] = {row[0]: row[1] == 1 for row in rows}
    return [_reason(candidate, key, refused, agreed, policy) for candidate, key in zip(batch, keys, strict=True)]


def _key(email: str | None) -> str | None:
    try:
        return parse_address(email).key if email and email.strip() else None
    except InvalidAddressError:
        return None


def _reason(
    candidate: Candidate, key: str | None, refused: set[str], agreed: dict[str, bool], policy: Policy
) -> Reason | None:
    if key is None:
        return "invalid_address" if candidate.email and candidate.email.strip() else "no_address"
    if key in refused:
        return "suppressed"
    by_paying = policy == "customers" and candidate.pays
    return None if agreed.get(key, by_paying) else "no_consent"
