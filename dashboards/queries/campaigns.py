"""Campaigns as the rooms tell them; never cached, since a sender may be at work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dashboards.queries.cache import per_snapshot
from dashboards.queries.health import state_engine
from pipelines.campaigns import EXCLUDED, OPEN, listing, show
from pipelines.delivery import outcomes, report
from pipelines.mail import mailer_for
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot

MAILED = ("accepted", "ambiguous")
STATES = (*OPEN, *MAILED, *EXCLUDED)
"""Ledger states in the order of a recipient's life."""


@dataclass(frozen=True)
class Campaign:
    """One campaign with what became of its audience."""

    name: str
    state: str
    reason: str | None
    updated_at: datetime
    subject: str
    segment: str
    holdout: float
    audience: int
    counts: dict[str, int]
    reasons: dict[str, int]
    certificate: str
    duplicates: int
    missing: int

    @property
    def accepted(self) -> int:
        """Mails that the mailer took."""
        return self.counts["accepted"]

    @property
    def open(self) -> int:
        """People who still wait for something."""
        return sum(self.counts[state] for state in OPEN)

    @property
    def excluded(self) -> int:
        """People who get no mail, by rule or by failure."""
        return sum(self.counts[state] for state in EXCLUDED)


def all_campaigns(settings: Settings) -> list[Campaign]:
    """Every campaign, the one that changed last first. `duplicates` and `missing` by the ledger alone."""
    return [_campaign(settings, row) for row in _newest_first(settings)]


def newest_campaign(settings: Settings) -> Campaign | None:
    """The campaign that changed last."""
    rows = _newest_first(settings)
    return _campaign(settings, rows[0]) if rows else None


def with_proof(settings: Settings, campaign: Campaign) -> Campaign:
    """The same campaign, counted against the mails that the outbox holds, where that is the mailer."""
    if settings.mailer != "outbox":
        return campaign
    told = report(state_engine(settings), campaign.name, mailer_for(settings))
    return replace(campaign, duplicates=told["duplicates"], missing=told["missing"])


@per_snapshot
def told_of(snapshot: Snapshot, *, name: str) -> dict[str, int]:
    """How many recipients' mails were delivered, opened and so on, by what the mailer told until the snapshot."""
    return outcomes(snapshot, name)


def _newest_first(settings: Settings) -> list[dict[str, Any]]:
    rows = listing(state_engine(settings))
    return sorted(rows, key=lambda row: (row["updated_at"], row["name"]), reverse=True)


def _campaign(settings: Settings, row: dict[str, Any]) -> Campaign:
    engine = state_engine(settings)
    document, told = show(engine, row["name"])["document"], report(engine, row["name"])
    return Campaign(
        name=row["name"],
        state=row["state"],
        reason=row["reason"],
        updated_at=row["updated_at"],
        subject=str(document.get("subject", "")),
        segment=str(document.get("segment", "")),
        holdout=float(document.get("holdout") or 0),
        audience=told["audience"],
        counts={state: int(told["states"].get(state, 0)) for state in STATES},
        reasons=told["reasons"],
        certificate=told["certificate"],
        duplicates=told["duplicates"],
        missing=told["missing"],
    )
