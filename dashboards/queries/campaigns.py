"""Campaigns as the rooms tell them; never cached, since a sender may be at work."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from dashboards.queries.cache import per_snapshot
from dashboards.queries.health import state_engine
from pipelines.campaigns import (
    EXCLUDED,
    OPEN,
    approve,
    cancel,
    copy,
    discard,
    listing,
    load,
    move,
    occurrences_of,
    parse_campaign,
    preview,
    resume,
    save,
    schedule,
    send_test,
    show,
)
from pipelines.delivery import at_work, outcomes, people_told, recipients_in, report, start
from pipelines.experiments import people_who_reached, told_report
from pipelines.mail import mailer_for
from pipelines.settings import Settings
from pipelines.state import writing
from pipelines.warehouse import Snapshot

MAILED = ("accepted", "ambiguous")
STATES = (*OPEN, *MAILED, *EXCLUDED)
"""Ledger states in the order of a recipient's life."""
REACHED = {"treated": "reached_the_goal", "holdout": "reached_it_held_out"}
"""What the people who reached the goal are called, by group."""


@dataclass(frozen=True)
class Campaign:
    """One campaign with what became of its audience."""

    name: str
    state: str
    reason: str | None
    updated_at: datetime
    subject: str
    """Of a sequence or of variants each one that differs, in their order."""
    segment: str
    holdout: float
    schedule: dict[str, str]
    has_steps: bool
    audience: int
    counts: dict[str, int]
    reasons: dict[str, int]
    certificate: str
    duplicates: int
    missing: int
    in_doubt: list[dict[str, Any]]

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


def one_campaign(settings: Settings, name: str) -> Campaign:
    """One campaign as it is now."""
    return _campaign(settings, show(state_engine(settings), name))


def newest_campaign(settings: Settings) -> Campaign | None:
    """The campaign that changed last."""
    rows = _newest_first(settings)
    return _campaign(settings, rows[0]) if rows else None


def with_proof(settings: Settings, campaign: Campaign) -> Campaign:
    """The same campaign, counted against the mails that the outbox holds, where that is the mailer."""
    if settings.mailer != "outbox":
        return campaign
    told = report(state_engine(settings), campaign.name, mailer_for(settings))
    proven = {key: told[key] for key in ("certificate", "duplicates", "missing")}
    return replace(campaign, **proven)


@per_snapshot
def told_of(snapshot: Snapshot, *, name: str) -> dict[str, int]:
    """How many recipients' mails were delivered, opened and so on, by what the mailer told until the snapshot."""
    return outcomes(snapshot, name)


def earned_by(settings: Settings, snapshot: Snapshot, name: str) -> dict[str, Any]:
    """What `millstream campaign report` tells of goal, lift, money and variants, by the data of the snapshot."""
    return _told_report(snapshot, settings, name=name, state=one_campaign(settings, name).certificate)


# The certificate changes with every mail, so a report is as new as the ledger.
@per_snapshot
def _told_report(snapshot: Snapshot, _settings: Settings, *, name: str, state: str) -> dict[str, Any]:
    return told_report(state_engine(_settings), _settings, name, snapshot)


def people_behind(settings: Settings, snapshot: Snapshot | None, name: str, who: str) -> list[str]:
    """The people behind a number of the report: in a state, of whom something was told, or who reached the goal."""
    if who in STATES:
        return [str(one["person_id"]) for one in recipients_in(state_engine(settings), name, who)]
    if snapshot is None:
        return []
    if who in REACHED.values():
        document = load(state_engine(settings), name).document
        return people_who_reached(snapshot, document, held_out=who == REACHED["holdout"])
    return people_told(snapshot, name, who)


def looked_at(
    settings: Settings,
    snapshot: Snapshot,
    name: str,
    person: str | None = None,
    variant: str | None = None,
    step: str | None = None,
) -> dict[str, Any]:
    """What `millstream campaign preview` tells: the audience by reason, the findings, the mail of one person.

    Raises:
        UsageError: its segment or its template can not be used.
    """
    return preview(state_engine(settings), snapshot, settings, name, person=person, variant=variant, step=step)


def tested(
    settings: Settings,
    snapshot: Snapshot,
    name: str,
    to: Sequence[str],
    *,
    person: str,
    variant: str | None,
    actor: str,
) -> list[dict[str, Any]]:
    """Send a test, as `millstream campaign test` does; what became of each mail.

    Raises:
        MillstreamError: an address is none, or the mailer takes no mail.
    """
    mailer = mailer_for(settings)
    try:
        return send_test(
            state_engine(settings), snapshot, settings, name, to, settings.now(),
            mailer=mailer, actor=actor, person=person, variant=variant,
        )  # fmt: skip
    finally:
        mailer.close()


def written(settings: Settings, name: str) -> dict[str, Any]:
    """The document of a campaign with its bodies in it, to be changed and kept again."""
    return load(state_engine(settings), name).written()


def copied(settings: Settings, name: str, new: str, *, actor: str) -> None:
    """Keep it under another name, too, as `millstream campaign copy` does."""
    copy(state_engine(settings), name, new, settings.now(), actor=actor)


def discarded(settings: Settings, name: str, *, actor: str) -> None:
    """Take away what was never sent, as `millstream campaign delete` does."""
    discard(state_engine(settings), name, settings.now(), actor=actor)


def keep(settings: Settings, document: Mapping[str, Any], *, actor: str) -> str:
    """Save a campaign written on the page, as `millstream campaign save` does; its name.

    Raises:
        MillstreamError: it can not be meant, or has begun to send.
    """
    content = parse_campaign(json.dumps(document), settings.data_dir)
    save(state_engine(settings), content, settings.now(), actor=actor)
    return content.document.name


def approved(settings: Settings, name: str, *, actor: str) -> None:
    """Approve a draft, with the checks of `millstream campaign approve`."""
    approve(state_engine(settings), settings, name, settings.now(), user=actor)


def scheduled(settings: Settings, name: str, *, at: str | None, timezone: str | None, actor: str) -> None:
    """Let an approved campaign go out by itself, as `millstream campaign schedule` does."""
    schedule(state_engine(settings), settings, name, settings.now(), at=at, timezone=timezone, actor=actor)


def next_due(settings: Settings, name: str) -> datetime | None:
    """When the next occurrence of a campaign is due."""
    waiting = [one["due_at"] for one in occurrences_of(state_engine(settings), name) if one["state"] == "waiting"]
    return min(waiting, default=None)


def cancelled(settings: Settings, name: str, *, actor: str) -> None:
    """End a campaign, as `millstream campaign cancel` does."""
    with writing(state_engine(settings)) as connection:
        cancel(connection, name, now=settings.now(), actor=actor, reason="cancelled on the page")


def paused(settings: Settings, name: str, *, actor: str) -> None:
    """Let a sending campaign rest, as `millstream campaign pause` does."""
    with writing(state_engine(settings)) as connection:
        move(connection, name, "paused", now=settings.now(), actor=actor, reason="paused on the page")


def sent_on(settings: Settings, name: str, *, actor: str) -> None:
    """Begin or go on sending, in a process of its own; a pause ends first.

    Raises:
        MillstreamError: what `millstream campaign send` would refuse.
    """
    engine = state_engine(settings)
    if show(engine, name)["state"] == "paused":
        with writing(engine) as connection:
            resume(connection, name, now=settings.now(), actor=actor)
    if not at_work(settings):
        start(settings, name)


def is_at_work(settings: Settings) -> bool:
    """Whether a sender is at work right now."""
    return at_work(settings)


def recipients(settings: Settings, name: str, state: str | None = None) -> pl.DataFrame:
    """Who is in the audience (in this state), without addresses."""
    rows = recipients_in(state_engine(settings), name, state)
    texts = ("person_id", "state", "reason", "variant")
    schema = {**dict.fromkeys(texts, pl.String()), "done_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=schema)


def _newest_first(settings: Settings) -> list[dict[str, Any]]:
    rows = listing(state_engine(settings))
    return sorted(rows, key=lambda row: (row["updated_at"], row["name"]), reverse=True)


def _subjects(document: dict[str, Any]) -> str:
    parts = [document, *(document.get("steps") or ()), *(document.get("variants") or ())]
    return " / ".join(dict.fromkeys(str(part["subject"]) for part in parts if part.get("subject")))


def _campaign(settings: Settings, row: dict[str, Any]) -> Campaign:
    engine = state_engine(settings)
    document, told = show(engine, row["name"])["document"], report(engine, row["name"])
    return Campaign(
        name=row["name"],
        state=row["state"],
        reason=row["reason"],
        updated_at=row["updated_at"],
        subject=_subjects(document),
        segment=str(document.get("segment", "")),
        holdout=float(document.get("holdout") or 0),
        schedule=document.get("schedule") or {},
        has_steps=bool(document.get("steps")),
        audience=told["audience"],
        counts={state: int(told["states"].get(state, 0)) for state in STATES},
        reasons=told["reasons"],
        certificate=told["certificate"],
        duplicates=told["duplicates"],
        missing=told["missing"],
        in_doubt=told["in_doubt"],
    )
