"""What a campaign would do now: its audience by reason, and the mail of its first recipient."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from pipelines.campaigns.audience import audience
from pipelines.campaigns.content import Rendered, RenderError, Templates
from pipelines.campaigns.store import load
from pipelines.privacy import mask
from pipelines.settings import Settings
from pipelines.state import reading

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

SAMPLE_LINK = "/u/preview"


def preview(
    engine: Engine, snapshot: Snapshot, settings: Settings, name: str, as_of: datetime | None = None
) -> dict[str, Any]:
    """Who would get the campaign, who would not and why, and one finished mail; changes nothing.

    With `as_of` the segment is asked for an earlier moment; consent is that of today.

    Raises:
        UsageError: no such campaign or segment, or a template that can not be used.
    """
    content = load(engine, name)
    templates = Templates(content)
    with reading(engine) as connection:
        rows = list(audience(connection, engine, snapshot, settings, content, as_of))
    states = Counter(row.state for row in rows)
    left_out = Counter(row.reason for row in rows if row.reason)
    mail: Rendered | None = None
    incomplete = 0
    first = None
    for row in rows:
        if row.state != "planned":
            continue
        try:
            made = templates.render(
                json.loads(row.variables),
                variant=row.variant,
                unsubscribe_url=settings.public_url.rstrip("/") + SAMPLE_LINK,
                postal_address=settings.postal_address,
            )
        except RenderError:
            incomplete += 1
            continue
        mail, first = mail or made, first or row
    return {
        "campaign": name,
        "audience": len(rows),
        "planned": states["planned"],
        "holdout": states["holdout"],
        "excluded": dict(sorted(left_out.items())),
        "without_needed_traits": incomplete,
        "mail": None
        if mail is None or first is None
        else {"to": mask(first.address), "variant": first.variant, **mail._asdict()},
        "as_of": as_of or snapshot.as_of,
        "snapshot": snapshot.number,
    }
