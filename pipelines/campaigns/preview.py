"""What a campaign would do now: its audience by reason, and the finished mail of one person in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from pipelines.campaigns.audience import Recipient, audience
from pipelines.campaigns.content import Rendered, RenderError, Templates
from pipelines.campaigns.store import load
from pipelines.errors import UsageError
from pipelines.privacy import InvalidAddressError, address_key, mask
from pipelines.settings import Settings
from pipelines.state import reading

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

SAMPLE_LINK = "/u/preview"
SAMPLE = 25
"""How many people are offered to look at the mail of."""


def preview(
    engine: Engine,
    snapshot: Snapshot,
    settings: Settings,
    name: str,
    as_of: datetime | None = None,
    *,
    person: str | None = None,
) -> dict[str, Any]:
    """Who would get the campaign, who would not and why, and one finished mail; changes nothing.

    The mail is that of `person` (id or address) as they would read it, mailed or not; left out, of the
    first who gets one. With `as_of` the segment is asked for an earlier moment; consent is that of today.

    Raises:
        UsageError: no such campaign or segment, nobody of that name in it, or a template that can not be used.
    """
    content = load(engine, name)
    templates = Templates(content)
    with reading(engine) as connection:
        rows = list(audience(connection, engine, snapshot, settings, content, as_of))
    states = Counter(row.state for row in rows)
    left_out = Counter(row.reason for row in rows if row.reason and row.state != "holdout")
    planned = [row for row in rows if row.state == "planned"]
    mails = ((row, _made(templates, settings, row)) for row in planned)
    complete = [(row, mail) for row, mail in mails if mail is not None]
    shown: tuple[Recipient, Rendered] | None = complete[0] if complete else None
    if person is not None:
        row = _named(rows, person)
        shown = row, _rendered(templates, settings, row)
    return {
        "campaign": name,
        "audience": len(rows),
        "planned": states["planned"],
        "holdout": states["holdout"],
        "excluded": dict(sorted(left_out.items())),
        "without_needed_traits": len(planned) - len(complete),
        "mail": None if shown is None else _mail(*shown),
        "sample": [{"person_id": row.person_id, "to": mask(row.address)} for row, _ in complete[:SAMPLE]],
        "as_of": as_of or snapshot.as_of,
        "snapshot": snapshot.number,
    }


def _mail(row: Recipient, mail: Rendered) -> dict[str, Any]:
    who = {"person_id": row.person_id, "to": mask(row.address), "state": row.state, "reason": row.reason}
    return {**who, "variant": row.variant, **mail._asdict()}


def _named(rows: Sequence[Recipient], person: str) -> Recipient:
    try:
        key = address_key(person)
    except InvalidAddressError:
        key = None
    for row in rows:
        if row.person_id == person or (key is not None and row.address_key == key):
            return row
    raise UsageError(f"--person {person}: nobody of this id or address is in the audience.")


def _made(templates: Templates, settings: Settings, row: Recipient) -> Rendered | None:
    try:
        return _rendered(templates, settings, row)
    except RenderError:
        return None


def _rendered(templates: Templates, settings: Settings, row: Recipient) -> Rendered:
    return templates.render(
        json.loads(row.variables),
        variant=row.variant,
        unsubscribe_url=settings.public_url.rstrip("/") + SAMPLE_LINK,
        postal_address=settings.postal_address,
    )
