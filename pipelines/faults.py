"""Named places where a test may end the process, as a power cut would.

`MILLSTREAM_FAULT=publish.before_pointer:1` ends the process at the first passage of that place
with exit code 137 and without any clean-up. Nothing happens when the variable is not set.
`POINTS` lists every place, so that a test can visit each one.
"""

from __future__ import annotations

import os

POINTS: tuple[str, ...] = (
    "journal.before_write",
    "journal.after_write",
    "journal.after_sync",
    "journal.before_delete",
    "landing.before_rename",
    "landing.before_manifest",
    "landing.after_manifest",
    "stripe.before_checkpoint",
    "stripe.after_checkpoint",
    "stripe.before_commit",
    "stripe.after_commit",
    "events.before_lake",
    "events.before_commit",
    "events.after_commit",
    "build.before_dbt",
    "build.after_dbt",
    "publish.before_files",
    "publish.before_manifest",
    "publish.before_pointer",
    "publish.after_pointer",
    "publish.before_remembering",
    "segments.before_commit",
    "planner.after_batch",
    "planner.before_commit",
    "planner.after_commit",
    "journeys.before_commit",
    "journeys.after_commit",
    "offers.after_plan",
    "offers.after_coupon",
    "offers.before_code",
    "offers.after_code",
    "offers.before_commit",
    "offers.after_commit",
    "sender.before_claim",
    "sender.after_claim",
    "sender.before_in_flight",
    "sender.after_in_flight",
    "sender.after_handover",
    "sender.before_accepted",
    "sender.after_accepted",
    "sender.before_sent",
    "feedback.after_landing",
    "feedback.before_commit",
    "feedback.after_commit",
    "unsubscribe.before_commit",
    "unsubscribe.after_commit",
)

_passages: dict[str, int] = {}


def fault_point(name: str) -> None:
    """End the process here if `MILLSTREAM_FAULT` names this place and passage (`name:n`, n from 1)."""
    wanted = os.environ.get("MILLSTREAM_FAULT")
    if not wanted:
        return
    point, _, passage = wanted.partition(":")
    if point != name:
        return
    _passages[name] = _passages.get(name, 0) + 1
    if _passages[name] == int(passage or "1"):
        os._exit(137)
