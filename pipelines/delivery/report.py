"""What became of a campaign: counts per state, and a certificate that adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, func, select

from pipelines.campaigns import EXCLUDED, ONCE, OPEN, find
from pipelines.delivery.ledger import states
from pipelines.delivery.told import outcomes
from pipelines.mail import Mailer, mailer_for
from pipelines.settings import Settings
from pipelines.state import reading
from pipelines.state.tables import recipients

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

MAILED = ("accepted", "ambiguous")
ALL_STATES = (*OPEN, *MAILED, *EXCLUDED)


def report(engine: Engine, name: str, mailer: Mailer | None = None, snapshot: Snapshot | None = None) -> dict[str, Any]:
    """Counts of one campaign; `events` is what the provider told until the snapshot.

    `duplicates`: mails beyond the first to one recipient, by the ledger and, where the mailer can
    tell, by what it holds. `missing`: accepted by the ledger and not held by the mailer, and people
    without an end state although the campaign is over. With `open` = 0 the audience is
    accepted + ambiguous + excluded.

    Raises:
        UsageError: there is no such campaign.
    """
    with reading(engine) as connection:
        campaign = find(connection, name)
        counts = states(connection, name)
        reasons = _reasons(connection, name)
        accepted = _accepted(connection, name)
        twice = _addresses_mailed_twice(connection, name)
    held = mailer.handed_over(name) if mailer is not None else None
    still_open = sum(counts.get(state, 0) for state in OPEN)
    excluded = sum(counts.get(state, 0) for state in EXCLUDED)
    is_over = campaign.state in ("sent", "cancelled", "failed")
    theirs = {key for key, message in accepted.items() if mailer is None or mailer.gave(message or "")}
    lost = len(theirs - held.keys()) if held is not None else 0
    total = sum(counts.values())
    sums = {
        "accepted": counts.get("accepted", 0),
        "ambiguous": counts.get("ambiguous", 0),
        "excluded": excluded,
    }
    duplicates = twice + sum(times - 1 for times in (held or {}).values())
    missing = lost + (still_open if is_over else 0)
    return {
        "campaign": name,
        "state": campaign.state,
        "reason": campaign.reason,
        "occurrence": ONCE,
        "snapshot": campaign.snapshot,
        "audience": total,
        "states": {state: counts.get(state, 0) for state in ALL_STATES},
        "reasons": reasons,
        "events": outcomes(snapshot, name),
        **sums,
        "open": still_open,
        "duplicates": duplicates,
        "missing": missing,
        "certificate": _certificate(total, still_open, duplicates, missing, **sums),
    }


def recipients_in(engine: Engine, name: str, state: str | None = None) -> list[dict[str, Any]]:
    """The recipients of a campaign, or those in one state: who, state, reason, variant; no address."""
    columns = recipients.c
    chosen = select(columns.person_id, columns.state, columns.reason, columns.variant, columns.done_at)
    mine = [columns.campaign == name, *([columns.state == state] if state is not None else [])]
    with reading(engine) as connection:
        rows = connection.execute(chosen.where(*mine).order_by(columns.person_id)).mappings().all()
    return [dict(row) for row in rows]


def told_report(
    engine: Engine, settings: Settings, name: str, snapshot: Snapshot | None, *, people: bool = False
) -> dict[str, Any]:
    """The document of `millstream campaign report --json`; with `people` also the recipients.

    Raises:
        UsageError: there is no such campaign.
    """
    # Only the outbox can be asked what it holds.
    mailer = mailer_for(settings) if settings.mailer == "outbox" else None
    found = report(engine, name, mailer, snapshot)
    return {**found, "recipients": recipients_in(engine, name)} if people else found


def _certificate(
    total: int, still_open: int, duplicates: int, missing: int, *, accepted: int, ambiguous: int, excluded: int
) -> str:
    rest = f" + open {still_open}" if still_open else ""
    proof = f"duplicates {duplicates}, missing {missing}"
    return f"audience {total} = accepted {accepted} + ambiguous {ambiguous} + excluded {excluded}{rest}, {proof}"


def _reasons(connection: Connection, name: str) -> dict[str, int]:
    counted = select(recipients.c.reason, func.count().label("times")).where(
        recipients.c.campaign == name, recipients.c.reason.is_not(None)
    )
    rows = connection.execute(counted.group_by(recipients.c.reason).order_by(recipients.c.reason)).all()
    return {row.reason: row.times for row in rows}


def _accepted(connection: Connection, name: str) -> dict[str, str | None]:
    """The keys of accepted mails, and the id that the mailer gave each."""
    rows = select(recipients.c.dedupe_key, recipients.c.message_id).where(
        recipients.c.campaign == name, recipients.c.state == "accepted"
    )
    return {row.dedupe_key: row.message_id for row in connection.execute(rows)}


def _addresses_mailed_twice(connection: Connection, name: str) -> int:
    mails = (
        select(func.count().label("times"))
        .where(recipients.c.campaign == name, recipients.c.state.in_(MAILED))
        .group_by(recipients.c.occurrence, recipients.c.address_key)
        .having(func.count() > 1)
        .subquery()
    )
    found = connection.execute(select(func.coalesce(func.sum(mails.c.times - 1), 0))).scalar()
    return int(found or 0)
