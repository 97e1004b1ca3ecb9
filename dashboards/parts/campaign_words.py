"""What the states of campaigns and recipients and the verdicts mean, in words and tones; links to campaigns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from dashboards.parts.table import Badge, Link, Tone

_TONES: dict[str, Tone] = {
    "draft": "muted",
    "approved": "accent",
    "scheduled": "accent",
    "sending": "accent",
    "paused": "warning",
    "sent": "good",
    "cancelled": "muted",
    "failed": "bad",
}
MEANING = {
    "planned": "waits for its turn",
    "claimed": "taken by a sender",
    "in_flight": "being handed over",
    "retry_wait": "will be tried again",
    "accepted": "the mailer took it",
    "ambiguous": "in doubt after a crash; not sent again",
    "rejected": "the mailer refused it",
    "suppressed": "no consent, or opted out",
    "capped": "mailed too often lately",
    "holdout": "left out on purpose, to compare",
    "cancelled": "the campaign ended first",
    "gave_up": "failed too often",
}


VERDICTS = {
    "significant": "Chance alone would make so large a difference less than once in twenty campaigns.",
    "not_significant": "No effect to be seen, and the groups were large enough to show one.",
    "underpowered": "Too few people, or too early, to tell an effect from chance: nothing is decided.",
    "invalid_split": "The groups are not of the sizes that were drawn for, so comparing them means nothing.",
}
_VERDICT_TONES: dict[str, Tone] = {"significant": "good", "invalid_split": "bad", "underpowered": "warning"}


def verdict_badge(verdict: str) -> Badge:
    """A verdict."""
    return Badge(plain(verdict), _VERDICT_TONES.get(verdict, "muted"))


def goal_words(goal: dict[str, Any], stamped: Callable[[datetime], str]) -> str:
    """What counts as success, and when it is decided."""
    words = f"Goal: {goal['event']} within {goal['within']} of the mail"
    words += ", since the campaign names none." if goal["is_default"] else "."
    if not goal["is_over"] and goal["ends_at"] is not None:
        words += f" The time of the last person ends {stamped(goal['ends_at'])}; nothing is decided before."
    return words


def campaign_link(name: str, words: str | None = None, *, people: str | None = None) -> Link:
    """A link to a campaign, or to some of its people: those in one state, or of whom one thing was told."""
    chosen = f"&people={quote(plain(people), safe='')}" if people else ""
    return Link(words or name, f"campaigns?campaign={quote(name, safe='')}{chosen}")


def state_badge(state: str) -> Badge:
    """A campaign's state."""
    return Badge(state, _TONES.get(state, "muted"))


def plain(code: str) -> str:
    """A reason or state as words: `no_consent` becomes `no consent`."""
    return code.replace("_", " ")
