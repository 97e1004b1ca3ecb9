"""The whole report of a campaign: the ledger's counts and proof, rates of the mails, and what it earned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from pipelines.campaigns import load, offers_told
from pipelines.delivery import recipients_in, report
from pipelines.experiments.measure import measured
from pipelines.mail import mailer_for
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


def told_report(
    engine: Engine, settings: Settings, name: str, snapshot: Snapshot | None, *, people: bool = False
) -> dict[str, Any]:
    """The document of `millstream campaign report --json`; with `people` also the recipients.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: the mart of its goal's fact is not published.
    """
    # Only the outbox can be asked what it holds.
    mailer = mailer_for(settings) if settings.mailer == "outbox" else None
    found = report(engine, name, mailer, snapshot)
    earned = measured(snapshot, settings, load(engine, name).document)
    by_occurrence = {one["occurrence"]: one for one in earned.pop("measured")}
    return {
        **found,
        "rates": rates(found),
        **earned,
        "offers": offers_told(engine, snapshot, name),
        "occurrences": [{**one, **by_occurrence.get(one["occurrence"], {})} for one in found["occurrences"]],
        **({"recipients": recipients_in(engine, name)} if people else {}),
    }


def rates(found: dict[str, Any]) -> dict[str, float | None]:
    """What the mailer told, as shares of the mails that were handed over; null without any."""
    base = found["accepted"] + found["ambiguous"]
    return {outcome: people / base if base else None for outcome, people in found["events"].items()}
