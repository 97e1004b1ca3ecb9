"""What happened to one customer, the newest first: payments, MRR, events, mails and segments in one list."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards.parts.empty import nothing_here
from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, count
from dashboards.parts.table import Badge, Row, Tone, table
from dashboards.parts.times import stamp
from dashboards.parts.words import small
from dashboards.queries.customers import MOMENTS, story
from dashboards.view import View
from pipelines.people import KINDS, Profile
from pipelines.warehouse import Snapshot

_TONES: dict[str, Tone] = {"payment": "good", "mrr": "accent", "event": "muted", "mail": "warning", "segment": "muted"}
_LONGEST = 140


def person_story(person: Profile, view: View, snapshot: Snapshot) -> None:
    """A page of the story, filtered by kind; filter and page live in the address."""
    kinds = st.pills("Show", KINDS, selection_mode="multi", default=list(KINDS), key="kinds", bind="query-params")
    asked: dict[str, Any] = {
        "person_id": person.person_id,
        "stays": list(person.stays),
        "kinds": list(kinds),
        "sees_addresses": view.person.sees_addresses,
    }
    first = story(snapshot, page=1, **asked)
    small(" · ".join(f"{kind} {count(number)}" for kind, number in first.by_kind.items()), view.colours)
    if not first.total:
        nothing_here("Nothing of these kinds happened. Choose others above.")
        return
    pages = -(-first.total // MOMENTS)
    page = st.pagination(pages, key="moments", bind="query-params") if pages > 1 else 1
    shown = first if page == 1 else story(snapshot, page=page, **asked)
    table(
        ("When", "Kind", "What", "Detail", "Amount"),
        [_row(row, view) for row in shown.rows],
        numbers=("Amount",),
        whole=("When", "What"),
        prose=("Detail",),
        caption="What happened, the newest first",
        colours=view.colours,
    )


def _row(row: dict[str, Any], view: View) -> Row:
    told = ", ".join(f"{name}: {value}" for name, value in row["properties"].items() if value is not None)
    detail = told or _words(row)
    return (
        stamp(row["at"], view.zone),
        Badge(row["kind"], _TONES[row["kind"]]),
        str(row["what"]).replace("_", " "),
        detail if len(detail) <= _LONGEST else detail[: _LONGEST - 1] + "…",
        NONE if row["amount_minor"] is None else money(row["amount_minor"], row["currency"]),
    )


def _words(row: dict[str, Any]) -> str:
    """Causes and reasons as words; ids and names stay as they are."""
    text = str(row["detail"] or NONE)
    return text.replace("_", " ") if row["kind"] == "mrr" else text
