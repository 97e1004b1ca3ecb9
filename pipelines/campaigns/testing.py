"""A test mail: a campaign as one person reads it, to an address of one's own, marked and not counted.

It goes through the configured mailer under a name that no campaign can have, so neither the ledger nor
its certificate hears of it. The audit log does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from pipelines.campaigns.preview import SAMPLE_LINK, preview
from pipelines.campaigns.store import load
from pipelines.errors import MillstreamError, UsageError
from pipelines.mail import Mail, Mailer
from pipelines.privacy import Address, InvalidAddressError, may_mail, parse_address, secret_key, unsubscribe_token
from pipelines.settings import Settings
from pipelines.state import reading, record, writing

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

MOST = 5
MARK = "[TEST] "
# A campaign's name has no dot.
_ENDING = ".test"


def send_test(
    engine: Engine,
    snapshot: Snapshot,
    settings: Settings,
    name: str,
    to: Sequence[str],
    now: datetime,
    *,
    mailer: Mailer,
    actor: str,
    person: str | None = None,
    variant: str | None = None,
    step: str | None = None,
) -> list[dict[str, Any]]:
    """Mail the campaign as `person` reads it (else the first of the audience) to these addresses; what became of each.

    Raises:
        UsageError: no such campaign, person or variant, no address or more than five, or one that can not be mailed.
        MillstreamError: nobody would get a mail, or the mailer takes none.
    """
    addresses = _addresses(to)
    with reading(engine) as connection:
        for address in addresses:
            # Whoever said no gets no test either; agreeing is not asked of one's own colleagues.
            if may_mail(connection, address.deliverable, policy="customers", pays=True) is not None:
                raise UsageError("--to: one of the addresses is suppressed or opted out. Nobody was mailed.")
    mail = preview(engine, snapshot, settings, name, person=person, variant=variant, step=step)["mail"]
    if mail is None:
        raise MillstreamError("nobody in the audience would get a mail, so there is none to test. Nobody was mailed.")
    content = load(engine, name)
    told = []
    for address in addresses:
        result = mailer.hand_over(_mail(settings, content.document.from_, name, mail, address, now))
        told.append({"to": address.deliverable, "outcome": result.outcome, "reason": result.reason})
    details: dict[str, object] = {
        "to": [address.key for address in addresses],
        "person_id": mail["person_id"],
        "outcomes": [one["outcome"] for one in told],
    }
    with writing(engine) as connection:
        record(connection, at=now, actor=actor, action="campaign.test", subject=name, details=details)
    if not any(one["outcome"] == "accepted" for one in told):
        raise MillstreamError(f"the mailer took no test mail ({told[0]['reason'] or told[0]['outcome']}).")
    return told


def _addresses(to: Sequence[str]) -> list[Address]:
    try:
        found = {address.key: address for address in map(parse_address, to)}
    except InvalidAddressError:
        raise UsageError("--to: one of the addresses is none. Nobody was mailed.") from None
    if not 1 <= len(found) <= MOST:
        raise UsageError(f"--to: name one to {MOST} addresses; these are {len(found)}. Nobody was mailed.")
    return list(found.values())


def _mail(settings: Settings, sender: Any, name: str, mail: dict[str, Any], address: Address, now: datetime) -> Mail:
    base = settings.public_url.rstrip("/")
    link = f"{base}/u/{unsubscribe_token(secret_key(settings), address.key, name)}"
    sample = base + SAMPLE_LINK
    told = f"{name}|test|{address.key}|{now.isoformat()}|{mail['variant']}|{mail['step']}"
    return Mail(
        key=hashlib.sha256(told.encode()).hexdigest(),
        attempt=1,
        campaign=name + _ENDING,
        occurrence="test",
        variant=mail["variant"],
        to=address.deliverable,
        from_email=sender.email if sender else settings.from_email,
        from_name=sender.name if sender else "",
        subject=MARK + mail["subject"],
        html=mail["html"].replace(sample, link),
        text=mail["text"].replace(sample, link),
        unsubscribe_url=link,
        at=now,
    )
