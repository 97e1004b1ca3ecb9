"""Campaigns of the story's past: the ledger as their sender left it, and what SendGrid told afterwards.

They were sent before this folder was made, so nobody is mailed now. Written once; a second call finds
them there.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from pipelines.campaigns import ONCE, dedupe_key, parse_campaign
from pipelines.campaigns.document import Content
from pipelines.demo import documents
from pipelines.privacy import address_key
from pipelines.state import writing
from pipelines.state.tables import campaigns, recipients

BATCH = 1_000


def record_past_campaigns(state: Engine, business: Path) -> int:
    """Write the campaigns of `campaigns.json` with their recipients; returns how many were new."""
    told: list[dict[str, Any]] = json.loads((business / "campaigns.json").read_text())
    return sum(_record(state, campaign) for campaign in told)


def _record(state: Engine, told: dict[str, Any]) -> bool:
    content = _content(told)
    sent_at = datetime.fromisoformat(told["sent_at"])
    with writing(state) as connection:
        if connection.execute(select(campaigns.c.name).where(campaigns.c.name == told["name"])).first():
            return False
        connection.execute(
            insert(campaigns).values(
                name=told["name"], document=content.canonical(), html=content.html, text=content.text,
                content_hash=content.content_hash(), state="sent", approved_by="demo", approved_at=sent_at,
                created_at=sent_at, updated_at=sent_at,
            )
        )  # fmt: skip
        rows = [_recipient(told["name"], content, one, sent_at) for one in told["recipients"]]
        for start in range(0, len(rows), BATCH):
            connection.execute(insert(recipients), rows[start : start + BATCH])
    return True


def _content(told: dict[str, Any]) -> Content:
    """The body of the demo's own campaign under this campaign's name, segment and subject."""
    document = documents.CAMPAIGN.read_text()
    own = {"name": told["name"], "segment": told["segment"], "subject": json.dumps(told["subject"])}
    lines = [f"{key}: {own[key]}" if (key := line.partition(":")[0]) in own else line for line in document.splitlines()]
    more = [f"holdout: {told['holdout']}", f"goal: {json.dumps(told['goal'])}", ""]
    return parse_campaign("\n".join([*lines, *more]), documents.CAMPAIGN.parent)


def _recipient(campaign: str, content: Content, told: dict[str, Any], sent_at: datetime) -> dict[str, Any]:
    key = address_key(told["email"])
    common = {
        "dedupe_key": dedupe_key(campaign, ONCE, key), "campaign": campaign, "occurrence": ONCE,
        "person_id": told["user_id"], "address_key": key, "variables": "{}",
        "variant": "", "planned_at": sent_at, "done_at": sent_at,
    }  # fmt: skip
    if told["held_out"]:
        return common | {"state": "holdout", "address": None, "reason": None, "attempt": 0, "content_hash": None,
                         "message_id": None, "in_flight_at": None}  # fmt: skip
    return common | {"state": "accepted", "address": told["email"], "reason": None, "attempt": 1,
                     "content_hash": content.content_hash(), "message_id": told["message_id"],
                     "in_flight_at": sent_at}  # fmt: skip
