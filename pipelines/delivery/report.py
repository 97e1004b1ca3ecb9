"""What became of a campaign: counts per state, and a certificate that adds up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Engine, func, select

from pipelines.campaigns import EXCLUDED, OPEN, find
from pipelines.delivery.told import outcomes
from pipelines.mail import Mailer
from pipelines.state import reading
from pipelines.state.tables import recipients

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

MAILED = ("accepted", "ambiguous")
ALL_STATES = (*OPEN, *MAILED, *EXCLUDED)
Counts = Mapping[str, int]


class _Ledger(NamedTuple):
    """What the ledger holds of one campaign, by occurrence where that matters."""

    states: dict[str, Counter[str]]
    accepted: dict[str, tuple[str, str | None]]
    """The occurrence of each accepted mail, and the id that the mailer gave it, by key."""
    twice: Counter[str]
    in_doubt: list[dict[str, Any]]


def report(engine: Engine, name: str, mailer: Mailer | None = None, snapshot: Snapshot | None = None) -> dict[str, Any]:
    """Counts of one campaign; `events` is what the provider told until the snapshot.

    `duplicates`: mails beyond the first to one recipient, by the ledger and, where the mailer can
    tell, by what it holds. `missing`: accepted by the ledger and not held by the mailer, and people
    without an end state although the campaign is over. With `open` = 0 the audience is
    accepted + ambiguous + excluded. `in_doubt` names the ambiguous mails; `occurrences` tells the
    counts and the certificate of each.

    Raises:
        UsageError: there is no such campaign.
    """
    with reading(engine) as connection:
        campaign = find(connection, name)
        reasons = _reasons(connection, name)
        ledger = _ledger(connection, name)
    held = mailer.handed_over(name) if mailer is not None else None
    is_over = campaign.state in ("sent", "cancelled", "failed")
    lost: Counter[str] = Counter()
    twice = Counter(ledger.twice)
    for key, (occurrence, message) in ledger.accepted.items():
        theirs = mailer is None or mailer.gave(message or "")
        lost[occurrence] += held is not None and theirs and key not in held
    beyond = {key: times - 1 for key, times in (held or {}).items() if times > 1}
    for key, times in beyond.items():
        twice[ledger.accepted[key][0] if key in ledger.accepted else ""] += times
    parts = [
        {
            "occurrence": occurrence,
            **_counted(counts, duplicates=twice[occurrence], lost=lost[occurrence], is_over=is_over),
        }
        for occurrence, counts in sorted(ledger.states.items())
    ]
    whole: Counter[str] = Counter()
    for counts in ledger.states.values():
        whole.update(counts)
    return {
        "campaign": name,
        "state": campaign.state,
        "reason": campaign.reason,
        "occurrence": parts[0]["occurrence"] if len(parts) == 1 else None,
        "snapshot": campaign.snapshot,
        **_counted(whole, duplicates=twice.total(), lost=lost.total(), is_over=is_over),
        "reasons": reasons,
        "events": outcomes(snapshot, name),
        "in_doubt": ledger.in_doubt,
        "occurrences": parts,
    }


def _counted(counts: Counts, *, duplicates: int, lost: int, is_over: bool) -> dict[str, Any]:
    still_open = sum(counts.get(state, 0) for state in OPEN)
    missing = lost + (still_open if is_over else 0)
    return {
        "audience": sum(counts.values()),
        "states": {state: counts.get(state, 0) for state in ALL_STATES},
        "accepted": counts.get("accepted", 0),
        "ambiguous": counts.get("ambiguous", 0),
        "excluded": sum(counts.get(state, 0) for state in EXCLUDED),
        "open": still_open,
        "duplicates": duplicates,
        "missing": missing,
        "certificate": certificate(counts, duplicates=duplicates, missing=missing),
    }


def recipients_in(engine: Engine, name: str, state: str | None = None) -> list[dict[str, Any]]:
    """The recipients of a campaign, or those in one state: who, state, reason, variant; no address."""
    columns = recipients.c
    chosen = select(columns.person_id, columns.state, columns.reason, columns.variant, columns.done_at)
    mine = [columns.campaign == name, *([columns.state == state] if state is not None else [])]
    with reading(engine) as connection:
        rows = connection.execute(chosen.where(*mine).order_by(columns.person_id)).mappings().all()
    return [dict(row) for row in rows]


def certificate(counts: Counts, *, duplicates: int, missing: int) -> str:
    """The sentence that has to add up: everybody in the audience by state, every state that holds somebody named.

    Those who still wait are told as `open`.
    """
    ends = [state for state in (*MAILED, *EXCLUDED) if counts.get(state) or state == "accepted"]
    # A state that nobody knows of would leave the sum short: it stands there under its own name.
    unknown = sorted(state for state, people in counts.items() if people and state not in ALL_STATES)
    terms = [f"{state.replace('_', ' ')} {counts.get(state, 0):,}" for state in (*ends, *unknown)]
    if still_open := sum(counts.get(state, 0) for state in OPEN):
        terms.append(f"open {still_open:,}")
    proof = f"duplicates {duplicates:,}, missing {missing:,}, ambiguous {counts.get('ambiguous', 0):,}"
    return f"audience {sum(counts.values()):,} = {' + '.join(terms)}; {proof}"


def _reasons(connection: Connection, name: str) -> dict[str, int]:
    counted = select(recipients.c.reason, func.count().label("times")).where(
        recipients.c.campaign == name, recipients.c.reason.is_not(None)
    )
    rows = connection.execute(counted.group_by(recipients.c.reason).order_by(recipients.c.reason)).all()
    return {row.reason: row.times for row in rows}


def _ledger(connection: Connection, name: str) -> _Ledger:
    columns = recipients.c
    states: dict[str, Counter[str]] = defaultdict(Counter)
    counted = select(columns.occurrence, columns.state, func.count().label("times")).where(columns.campaign == name)
    for row in connection.execute(counted.group_by(columns.occurrence, columns.state)):
        states[row.occurrence][row.state] += row.times
    accepted = select(columns.dedupe_key, columns.occurrence, columns.message_id).where(
        columns.campaign == name, columns.state == "accepted"
    )
    doubtful = select(
        columns.dedupe_key, columns.person_id, columns.occurrence, columns.in_flight_at, columns.reason
    ).where(columns.campaign == name, columns.state == "ambiguous")
    return _Ledger(
        states=dict(states),
        accepted={row.dedupe_key: (row.occurrence, row.message_id) for row in connection.execute(accepted)},
        twice=_addresses_mailed_twice(connection, name),
        in_doubt=[dict(row) for row in connection.execute(doubtful.order_by(columns.dedupe_key)).mappings()],
    )


def _addresses_mailed_twice(connection: Connection, name: str) -> Counter[str]:
    """Mails beyond the first to one address, by occurrence."""
    mails = (
        select(recipients.c.occurrence, func.count().label("times"))
        .where(recipients.c.campaign == name, recipients.c.state.in_(MAILED))
        .group_by(recipients.c.occurrence, recipients.c.address_key)
        .having(func.count() > 1)
        .subquery()
    )
    counted = select(mails.c.occurrence, func.sum(mails.c.times - 1).label("beyond")).group_by(mails.c.occurrence)
    return Counter({row.occurrence: int(row.beyond) for row in connection.execute(counted)})
