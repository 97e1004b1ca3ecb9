"""What holds a campaign back: figures that are old, failing or not there. Facts come in, plain words go out.

Nothing is asked here: whoever composes (`pipelines.operations.campaigns`) brings the facts. Two gates stand
before every audience that is frozen; the others only where nobody watches (a schedule, a trigger), because
whoever sends by hand has looked at the preview.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pipelines.errors import MillstreamError

Gate = Literal["freshness", "checks", "sources", "reconciliation", "consent", "approval"]
GATES: dict[Gate, str] = {
    "freshness": "the newest snapshot is young enough",
    "checks": "the last build passed its checks",
    "sources": "every source still brings rows",
    "reconciliation": "Stripe's money adds up to the minor unit",
    "consent": "consents are recorded",
}
"""What each gate asks of the data, in the order in which they are told; `approval` asks about people."""
ATTENDED: tuple[Gate, ...] = ("freshness", "checks")
"""The gates before an audience that somebody freezes by hand."""
SKEW = timedelta(minutes=5)
"""So far ahead of this machine's clock a snapshot may be before one of the two is wrong."""


@dataclass(frozen=True)
class Facts:
    """What is known of the data at one moment; what is not known holds nobody back."""

    snapshot: int | None
    as_of: datetime | None
    failed_build: tuple[datetime, str] | None = None
    """When the newest build failed and why, where it did."""
    failed_checks: Sequence[str] = ()
    """Checks of the snapshot itself that forbid to publish."""
    late_sources: Mapping[str, str] = field(default_factory=dict)
    """Table and words of each source whose newest row is too old."""
    unexplained: Mapping[str, int] = field(default_factory=dict)
    """Minor units by currency that nothing explains, in the snapshot's own balance."""
    counted_again: Mapping[str, tuple[datetime, int]] = field(default_factory=dict)
    """By account: until when the last `revenue reconcile` counted, and the minor units that differed."""
    needs_consents: bool = False
    has_consents: bool = True


class Hold(NamedTuple):
    """One gate that is shut: what is wrong, since when, and what opens it."""

    gate: Gate
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} {self.mend}"


class HeldBackError(MillstreamError):
    """A campaign that may not be planned now, by these gates; nobody was claimed, and it may pass later."""

    def __init__(self, name: str, shut: Sequence[Hold]) -> None:
        self.shut = tuple(shut)
        super().__init__(f"campaign {name} is held back. {' '.join(map(str, shut))} Nobody new was planned.")


def holds(facts: Facts, *, now: datetime, max_age: timedelta) -> list[Hold]:
    """The gates that are shut, in the order of `GATES`; empty where an audience may be frozen."""
    found = [*_freshness(facts, now, max_age), *_checks(facts), *_sources(facts), *_money(facts), *_consent(facts)]
    order = list(GATES)
    return sorted(found, key=lambda hold: order.index(hold.gate))


def refuse_held(name: str, shut: Sequence[Hold]) -> None:
    """Stop here if a gate is shut.

    Raises:
        HeldBackError: naming every gate that is.
    """
    if shut:
        raise HeldBackError(name, shut)


def _freshness(facts: Facts, now: datetime, max_age: timedelta) -> list[Hold]:
    if facts.as_of is None:
        return [Hold("freshness", "Nothing is published yet.", "Load data, then `millstream run`.")]
    told = f"Snapshot {facts.snapshot} stands for {_moment(facts.as_of)}"
    if facts.as_of > now + SKEW:
        what = f"{told}, and this machine's clock says {_moment(now)}."
        return [Hold("freshness", what, "Set the clock (NTP), or build again.")]
    if now - facts.as_of > max_age:
        since = facts.as_of + max_age
        what = f"{told}: stale since {_moment(since)}, because more than {_span(max_age)} have passed."
        return [Hold("freshness", what, "`millstream run` brings it up to date (MILLSTREAM_CAMPAIGN_MAX_AGE).")]
    return []


def _checks(facts: Facts) -> list[Hold]:
    found = []
    if facts.failed_build is not None:
        at, reason = facts.failed_build
        what = f"The last build failed at {_moment(at)}: {reason.rstrip('.')}."
        found.append(Hold("checks", what, "Mend what it names, then `millstream run`."))
    if facts.failed_checks:
        named = ", ".join(facts.failed_checks[:5]) + ", ..." * (len(facts.failed_checks) > 5)
        what = f"Checks of snapshot {facts.snapshot} failed: {named}."
        found.append(Hold("checks", what, "See Data health, mend the input or the model, then `millstream run`."))
    return found


def _sources(facts: Facts) -> list[Hold]:
    return [
        Hold("sources", f"{table}: {words}.", "See whether the source still sends (`millstream doctor`).")
        for table, words in facts.late_sources.items()
    ]


def _money(facts: Facts) -> list[Hold]:
    found = [
        Hold(
            "reconciliation",
            f"{minor:,} minor units of {currency} in Stripe's balance are explained by nothing that is loaded.",
            "See `millstream doctor --json` (unexplained), then `millstream run`.",
        )
        for currency, minor in facts.unexplained.items()
        if minor
    ]
    return found + [
        Hold(
            "reconciliation",
            f"Counted again at Stripe (account {account}, until {_moment(until)}), {minor:,} minor units differed.",
            "`millstream run`, then `millstream revenue reconcile` until nothing differs.",
        )
        for account, (until, minor) in facts.counted_again.items()
        if minor
    ]


def _consent(facts: Facts) -> list[Hold]:
    if not facts.needs_consents or facts.has_consents:
        return []
    what = "No consent is recorded, so nobody may be mailed."
    return [Hold("consent", what, "`millstream consent import FILE` records them (MILLSTREAM_CONSENT).")]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(length: timedelta) -> str:
    hours = int(length.total_seconds() // 3600)
    if hours:
        return f"{hours} hours"
    return f"{int(length.total_seconds() // 60)} minutes"
