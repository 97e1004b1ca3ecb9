"""What is known of one customer: four figures, whether mail may go there, segments, traits."""

from __future__ import annotations

from datetime import date, datetime

import streamlit as st

from dashboards.parts.card import Card, card_row
from dashboards.parts.frame import section
from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, Change, count, counted
from dashboards.parts.segment_tables import segment_link
from dashboards.parts.table import Badge, Row, table
from dashboards.parts.times import long_day, stamp
from dashboards.parts.words import small
from dashboards.view import View
from pipelines.people import Profile

_NO_CHANGE = Change("", "none")
# Told by the tiles or by the badge beside them.
_TOLD = frozenset({"name", "first_name", "mrr_minor", "lifetime_value_minor", "customer_since", "subscription_status"})
_WHY = {
    "no_address": "no e-mail address is known",
    "invalid_address": "the address can not be mailed",
    "suppressed": "the address is suppressed",
    "no_consent": "no consent is recorded",
}


def person_head(person: Profile, view: View) -> None:
    """The tiles of one customer."""
    traits = person.traits
    plan = str(traits["plan"] or "")
    every = f", by the {traits['interval']}" if plan and traits["interval"] else ""
    since = traits["customer_since"]
    card_row(
        [
            Card(
                "MRR",
                money(traits["mrr_minor"], traits["mrr_currency"]) if traits["mrr_currency"] else NONE,
                _NO_CHANGE,
                f"{plan}{every}",
                "What this customer's subscriptions are worth by the month, in the largest of their currencies.",
                (),
            ),
            Card(
                "Paid in all",
                money(traits["lifetime_value_minor"], traits["currency"]) if traits["currency"] else NONE,
                _NO_CHANGE,
                counted(traits["payments_count"] or 0, "payment"),
                "Charges less refunds and disputes, in the currency paid in most often.",
                (),
            ),
            Card(
                "Customer since",
                NONE if since is None else long_day(since.date()),
                _NO_CHANGE,
                f"first seen {stamp(traits['first_seen_at'], view.zone)}",
                "The first payment that succeeded.",
                (),
            ),
            Card(
                "Status",
                str(traits["subscription_status"] or "no subscription").replace("_", " "),
                _NO_CHANGE,
                "cancels at the end of the period" if traits["is_canceling"] else "",
                "The first of active, past due, trialing, paused, unpaid, canceled.",
                (),
            ),
        ],
        view.colours,
    )


def person_facts(person: Profile, view: View) -> None:
    """Permission and segments beside the traits."""
    left, right = st.columns([2, 3])
    with left:
        with section("Mail"):
            _permission(person, view)
        with section("Segments"):
            if person.stays:
                rows: list[Row] = [
                    (segment_link(stay.segment), stamp(stay.entered_at, view.zone), stamp(stay.left_at, view.zone))
                    for stay in person.stays
                ]
                headers = ("Segment", "Entered", "Left")
                whole = ("Segment", "Entered", "Left")
                table(headers, rows, whole=whole, caption="Segments of this customer", colours=view.colours)
            else:
                small("In no saved segment, and never was.", view.colours)
    with right, section("Traits", height="stretch"), st.container(height=330, border=False):
        rows = [(name.replace("_", " "), _text(value, view)) for name, value in _known(person).items()]
        table(("Trait", "Value"), rows, prose=("Value",), caption="Traits of this customer", colours=view.colours)


def _permission(person: Profile, view: View) -> None:
    traits = person.traits
    yes = person.refusal is None
    rows: list[Row] = [
        ("Marketing mail", Badge("may be sent", "good") if yes else Badge("not sent", "warning")),
        ("Why", "consent or purchase" if yes else _WHY.get(str(person.refusal), str(person.refusal))),
        ("Consent", _since(traits["has_consent"], traits["consent_granted_at"], view)),
        ("Suppressed", str(traits["suppression_reason"] or "no")),
        ("Unsubscribed", "yes" if traits["is_unsubscribed"] else "no"),
    ]
    table(("About", "State"), rows, caption="Whether mail may go there", colours=view.colours)


def _since(has: bool | None, moment: datetime | None, view: View) -> str:
    return f"since {stamp(moment, view.zone)}" if has and moment else "yes" if has else "none"


def _known(person: Profile) -> dict[str, object]:
    return {
        name: value
        for name, value in person.traits.items()
        if name not in _TOLD and value is not None and value != [] and value != 0 and value is not False
    }


def _text(value: object, view: View) -> str:
    if isinstance(value, datetime):
        return stamp(value, view.zone)
    if isinstance(value, date):
        return long_day(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return count(value) if isinstance(value, int) else str(value)
