"""The demo's own people at work: consent and past campaigns are recorded, a new campaign is saved and sent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.campaigns import approve, load, parse_campaign
from pipelines.campaigns import save as save_campaign
from pipelines.delivery import report, send
from pipelines.delivery.feedback import ingest_feedback
from pipelines.demo import documents
from pipelines.demo.history import record_past_campaigns
from pipelines.errors import UsageError
from pipelines.landing.summary import LoadSummary
from pipelines.privacy import import_consents, read_consent_file
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state


def save_documents(settings: Settings, business: Path, *, now: datetime) -> None:
    """Import the consents and save the segments; again it changes nothing."""
    state = open_state(settings)
    import_consents(state, read_consent_file(business / "consents.jsonl", settings.reporting_timezone), now)
    for document in (documents.SEGMENT, documents.PAST_SEGMENT):
        save_segment(state, parse_segment(document.read_text()), now)


def record_past(settings: Settings, business: Path, *, now: datetime) -> LoadSummary:
    """The campaigns of the story's past and what SendGrid told of their mails; again it changes nothing."""
    record_past_campaigns(open_state(settings), business)
    return ingest_feedback(settings, sorted((business / "email").glob("*.jsonl")), now=now)


def send_campaign(settings: Settings, *, now: datetime) -> dict[str, Any]:
    """Save, approve and send the campaign; a second call mails nobody and reports the same."""
    state = open_state(settings)
    try:
        load(state, documents.CAMPAIGN_NAME)
    except UsageError:
        content = parse_campaign(documents.CAMPAIGN.read_text(), documents.CAMPAIGN.parent)
        save_campaign(state, content, now, actor="demo")
        approve(state, settings, documents.CAMPAIGN_NAME, now, user="demo")
    send(settings, documents.CAMPAIGN_NAME, lambda: now)
    return report(state, documents.CAMPAIGN_NAME)
