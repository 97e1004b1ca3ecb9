"""What people decide themselves: to leave a list or everything, to confirm, to join a group of the provider's again.

Each is one transaction of the caller's and gives the same when done twice. Campaigns are known here by the
state store alone: which list one belongs to.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, select

from pipelines.errors import UsageError
from pipelines.privacy.consent import MARKETING, grant, withdraw
from pipelines.privacy.ledger import Entry, told, write_down
from pipelines.privacy.links import Confirmation, Unsubscription
from pipelines.privacy.suppression import ALL, GROUP, lift, suppress
from pipelines.state.tables import campaigns, consents

UNSUBSCRIBED = "unsubscribed"
LINK = "link"


def purpose_of(connection: Connection, campaign: str) -> str:
    """The list that a campaign mails; marketing where nobody knows the campaign any more."""
    document = connection.scalar(select(campaigns.c.document).where(campaigns.c.name == campaign))
    return str(json.loads(document).get("purpose", MARKETING)) if document else MARKETING


def unsubscribe(connection: Connection, asked: Unsubscription, *, everything: bool, now: datetime) -> bool:
    """Leave the list of a campaign, or everything; whether anything changed.

    Consent is withdrawn and the address suppressed: what somebody imports later does not bring it back.
    """
    key, purpose = asked.address_key, purpose_of(connection, asked.campaign)
    lists, scopes = {purpose}, [purpose]
    if everything:
        lists |= set(connection.scalars(select(consents.c.purpose).where(consents.c.address_key == key)))
        scopes.append(ALL)
    changed = [suppress(connection, key, reason=UNSUBSCRIBED, source=LINK, now=now, scope=scope) for scope in scopes]
    proof = f"the link in a mail of {asked.campaign}"
    for one in sorted(lists):
        entries = told(connection, key, one)
        if not entries or entries[-1].action != "withdrawn":
            source = f"{LINK}:{asked.campaign}"  # The campaign's report counts them by it.
            changed.append(withdraw(connection, key, source=source, now=now, purpose=one, proof=proof))
    return any(changed)


def confirm(connection: Connection, asked: Confirmation, *, now: datetime) -> bool:
    """Say yes to a request; whether that is new. Who unsubscribed before it and says yes now is mailed again.

    Raises:
        UsageError: nobody asked, or they took it back since.
    """
    key, purpose = asked.address_key, asked.purpose
    entries = told(connection, key, purpose)
    request = next((one for one in entries if one.action == "requested" and one.at == asked.requested_at), None)
    if request is None:
        raise UsageError("nobody asked for this consent here; nothing was changed.")
    if any(one.action == "withdrawn" and one.at > request.at for one in entries):
        raise UsageError("this consent was taken back after it was asked for; nothing was changed.")
    if any(one.action == "confirmed" and one.at >= request.at for one in entries):
        return False
    proof = f"confirmed by the link; asked for {request.at:%Y-%m-%d %H:%M} UTC. {request.proof}".rstrip()
    grant(connection, Entry(key, purpose, "confirmed", now, request.source, proof), now)
    for scope in (purpose, ALL):
        lift(connection, key, actor=LINK, now=now, scope=scope, reason=UNSUBSCRIBED)
    return True


def choose_group(connection: Connection, key: str, group: str, *, leaves: bool, at: datetime, now: datetime) -> None:
    """Leave or join a group of the provider's; told in any order, the last choice holds."""
    scope = f"{GROUP}{group}"
    choice = Entry(key, scope, "withdrawn" if leaves else "granted", at, "sendgrid")
    if not write_down(connection, [choice], now):
        return
    if told(connection, key, scope)[-1].action == "withdrawn":
        suppress(connection, key, reason=UNSUBSCRIBED, source="sendgrid", now=now, scope=scope)
    else:
        lift(connection, key, actor="sendgrid", now=now, scope=scope)
