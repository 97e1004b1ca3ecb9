"""What a retention table asks: who starts, who counts as back, and in periods of which length."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from dashboards.queries.funnels import Catalogue
from dashboards.queries.retentions import COHORTS, KINDS, PERIODS, document_of

ANY = "any event"
# What makes a person a user of most products; taken where it exists.
_USUAL_START = ("Signed Up", "signup", "sign_up")


def edited_question(known: Catalogue, last_day: date, zone: str) -> dict[str, Any]:
    """The query document as chosen; each choice is kept in the address."""
    options = [ANY, *known.steps]
    first, second, third, fourth, fifth = st.columns([3, 2, 3, 2, 2])
    usual = next((options.index(name) for name in _USUAL_START if name in options), 0)
    target = first.selectbox("People who did", options, index=usual, key="start", bind="query-params")
    kind = second.selectbox("counted", list(KINDS), index=_first_time(), key="kind", bind="query-params")
    back = third.selectbox("and came back with", options, key="back", bind="query-params")
    period = fourth.selectbox("In", list(PERIODS), index=1, key="period", bind="query-params")
    cohorts = fifth.selectbox("How many", COHORTS, index=1, key="cohorts", bind="query-params")
    return document_of(
        target=None if target == ANY else target,
        back=None if back == ANY else back,
        kind=kind,
        period=period,
        cohorts=cohorts,
        last=min(last_day, known.last_day) if known.last_day else last_day,
        timezone=zone,
    )


def _first_time() -> int:
    return list(KINDS.values()).index("first_time")
