"""What the states of campaigns and recipients mean, in words and tones."""

from __future__ import annotations

from dashboards.parts.table import Badge, Tone

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


def state_badge(state: str) -> Badge:
    """A campaign's state."""
    return Badge(state, _TONES.get(state, "muted"))


def plain(code: str) -> str:
    """A reason or state as words: `no_consent` becomes `no consent`."""
    return code.replace("_", " ")
