"""Whether somebody was among a campaign's recipients, and what became of their mail by a moment."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from pipelines.segments.counting import Counting, Span, Table
from pipelines.segments.document import ANY_CAMPAIGN, CampaignRule, LedgerState
from pipelines.segments.times import INSTANT

RECIPIENTS = "marts.fct_campaign_recipients"
_MAILED = Table("mailed", f"(select *, planned_at as event_at from {RECIPIENTS})", "campaign")
_TOLD_AT = {
    "delivered": "delivered_at",
    "bounced": "bounced_at",
    "dropped": "dropped_at",
    # A mail whose click was told was opened, even where its images were not fetched.
    "opened": "least(first_opened_at, first_clicked_at)",
    "clicked": "first_clicked_at",
    "complained": "complained_at",
    "unsubscribed": "unsubscribed_at",
}


def recipient_sql(
    rule: CampaignRule, counting: Counting, then: datetime, *, emails: str | None, looks_back: bool
) -> str:
    """SQL over `p` that is true for the recipients that a rule asks for; `emails` is the mart of what mailers told.

    A recipient without an end state at an earlier moment was planned then: what came between is not kept.
    """
    names = None if rule.name == ANY_CAMPAIGN else [rule.name]
    tests: list[str] = []
    if rule.variant is not None:
        tests.append(f"variant = {counting.bindings.add(rule.variant)}")
    if rule.states:
        moment = counting.bindings.add(then)
        tests.append(
            f"({' or '.join(_in_state(state, moment, counting, emails, looks_back) for state in rule.states)})"
        )
    key = (tuple(rule.states), rule.variant)
    span = Span(None, then + INSTANT)
    return f"({counting.column(_MAILED, 'count', names, span, key=key, test=' and '.join(tests) or 'true')} > 0)"


def _in_state(state: str, moment: str, counting: Counting, emails: str | None, looks_back: bool) -> str:
    if state in get_args(LedgerState):
        known = f"case when done_at <= {moment} then state else 'planned' end" if looks_back else "state"
        return f"coalesce({known} = {counting.bindings.add(state)}, false)"
    if state == "deferred":
        if emails is None:
            return "false"
        told = f"select recipient_id from {emails} where outcome = 'deferred' and event_at <= {moment}"
        return f"coalesce(recipient_id in ({told} and recipient_id is not null), false)"
    return f"coalesce({_TOLD_AT[state]} <= {moment}, false)"
