"""The life of a campaign: which state may follow which, and the one way to move between them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from pipelines.campaigns.document import Content, stored
from pipelines.errors import MillstreamError, UsageError
from pipelines.state import record
from pipelines.state.tables import campaigns, recipients

NEXT: dict[str, frozenset[str]] = {
    "draft": frozenset({"approved", "cancelled"}),
    "approved": frozenset({"draft", "sending", "cancelled"}),
    "sending": frozenset({"paused", "sent", "cancelled", "failed"}),
    "paused": frozenset({"sending", "cancelled"}),
    "sent": frozenset(),
    "cancelled": frozenset(),
    "failed": frozenset(),
}
OPEN = ("planned", "claimed", "in_flight", "retry_wait")
"""States of recipients who still wait for something."""
EXCLUDED = ("rejected", "suppressed", "capped", "holdout", "cancelled", "gave_up")
"""End states of recipients who got no mail."""


def find(connection: Connection, name: str) -> Row[Any]:
    """The row of one campaign.

    Raises:
        UsageError: there is none of this name.
    """
    row = connection.execute(select(campaigns).where(campaigns.c.name == name)).first()
    if row is None:
        raise UsageError(f"there is no campaign {name!r}; `millstream campaign list` shows those that are saved.")
    return row


def frozen(connection: Connection, name: str) -> Content:
    """The content of an approved campaign, as it was approved.

    Raises:
        MillstreamError: it was changed behind the product's back.
    """
    row = find(connection, name)
    content = stored(row.document, row.html, row.text)
    if content.content_hash() != row.content_hash:
        raise MillstreamError(f"campaign {name} is not what was approved. Nobody is mailed any more.")
    return content


def move(connection: Connection, name: str, to: str, *, now: datetime, actor: str, reason: str | None = None) -> None:
    """Bring a campaign into another state, in the caller's transaction.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: that state can not follow the present one; nothing was changed.
    """
    state = str(find(connection, name).state)
    if to not in NEXT[state]:
        raise MillstreamError(f"campaign {name} is {state} and can not become {to}. Nothing was changed.")
    connection.execute(
        update(campaigns).where(campaigns.c.name == name).values(state=to, reason=reason, updated_at=now)
    )
    record(connection, at=now, actor=actor, action=f"campaign.{to}", subject=name, details={"reason": reason})


def after_sending(connection: Connection, name: str) -> str:
    """The state that follows when nobody waits for anything any more."""
    return "sent"


def resume(connection: Connection, name: str, *, now: datetime, actor: str) -> None:
    """Let a paused campaign be sent on. Only `plan` starts one, so nothing else becomes `sending`."""
    state = str(find(connection, name).state)
    if state != "paused":
        raise MillstreamError(f"campaign {name} is {state}, not paused. Nothing was changed.")
    move(connection, name, "sending", now=now, actor=actor)


def cancel(connection: Connection, name: str, *, now: datetime, actor: str, reason: str | None = None) -> None:
    """End a campaign: whoever was not mailed will not be. A mail in hand is not called back."""
    move(connection, name, "cancelled", now=now, actor=actor, reason=reason)
    waiting = recipients.c.state.in_(("planned", "claimed", "retry_wait"))
    connection.execute(
        update(recipients)
        .where(recipients.c.campaign == name, waiting)
        .values(state="cancelled", reason="cancelled", done_at=now)
    )
