"""People as a table: name and address (masked by role), plan, MRR; each name leads to that customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import streamlit as st

from dashboards.parts.empty import nothing_here
from dashboards.parts.money import money
from dashboards.parts.numbers import NONE
from dashboards.parts.table import Link, Row, table
from dashboards.parts.words import small
from dashboards.view import View
from pipelines.people import people

SHOWN = 25


def people_table(view: View, person_ids: Sequence[str], *, key: str) -> None:
    """These people in this order, some at a time; `key` names the page number of this table."""
    everybody = list(dict.fromkeys(person_ids))
    if view.snapshot is None or not everybody:
        nothing_here("Nobody is in this list.")
        return
    pages = -(-len(everybody) // SHOWN)
    page = st.pagination(pages, key=key) if pages > 1 else 1
    shown = everybody[(page - 1) * SHOWN : page * SHOWN]
    known = people(view.snapshot, shown, sees_addresses=view.person.sees_addresses)
    table(
        ("Customer", "E-mail", "Plan", "MRR"),
        [_row(row) for row in known],
        numbers=("MRR",),
        caption="People",
        colours=view.colours,
    )
    if missing := len(shown) - len(known):
        small(f"{missing} of them are visitors that no customer or user is known of.", view.colours)


def person_link(person_id: str, words: str | None = None) -> Link:
    """A link to the customer's own page; it reads as the name where there is one, else as the id."""
    return Link(words or person_id, f"customers?person={quote(person_id, safe='')}")


def _row(row: dict[str, Any]) -> Row:
    return (
        person_link(row["person_id"], row["name"]),
        row["email"] or NONE,
        row["plan"] or NONE,
        money(row["mrr_minor"], row["mrr_currency"]) if row["mrr_currency"] else NONE,
    )
