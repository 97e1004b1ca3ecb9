"""The list of customers: search, order, pages; all three live in the address."""

from __future__ import annotations

import streamlit as st

from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import FULL_ON_A_PHONE
from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, count
from dashboards.parts.people import person_link
from dashboards.parts.table import Row, table
from dashboards.parts.times import stamp
from dashboards.parts.words import small
from dashboards.queries.customers import PAGE, found_people
from dashboards.view import View
from pipelines.warehouse import Snapshot

_ORDERS = {
    "highest MRR": "mrr",
    "most paid": "lifetime",
    "name": "name",
    "newest": "first_seen",
    "last seen": "last_seen",
}


def people_list(view: View, snapshot: Snapshot) -> None:
    """One page of the people that fit the search."""
    with st.container(horizontal=True, vertical_alignment="bottom", key=FULL_ON_A_PHONE):
        hint = "Part of a name, or a whole e-mail or id"
        if view.person.sees_addresses:
            hint = "Part of a name or e-mail, or a whole id"
        text = st.text_input("Search", key="q", bind="query-params", type="search", placeholder=hint, max_chars=200)
        order = st.selectbox("Order", list(_ORDERS), key="sort", bind="query-params", width=160)
    page = int(st.session_state.get("page", 1))
    asked = {"text": text or "", "sort": _ORDERS[order], "sees_addresses": view.person.sees_addresses}
    total = found_people(snapshot, page=1, **asked).total  # type: ignore[arg-type]
    if not total:
        nothing_here(f"Nobody fits “{text}”. {hint} finds a customer." if text else "No customers are published yet.")
        return
    pages = -(-total // PAGE)
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    found = found_people(snapshot, page=page, **asked)  # type: ignore[arg-type]
    first = (page - 1) * PAGE + 1
    small(f"{count(first)} to {count(first + len(found.rows) - 1)} of {count(total)}", view.colours)
    headers = ("Customer", "E-mail", "Plan", "Status", "MRR", "Paid in all", "Country", "First seen", "Last seen")
    table(
        headers,
        [_row(row, view) for row in found.rows],
        numbers=("MRR", "Paid in all"),
        whole=("Customer", "E-mail", "Plan", "Status", "First seen", "Last seen"),
        dense=True,
        caption="Customers",
        colours=view.colours,
    )


def _row(row: dict[str, object], view: View) -> Row:
    def text(name: str) -> str:
        return str(row[name]) if row[name] else NONE

    def amount(name: str, currency: str) -> str:
        return money(int(str(row[name])), str(row[currency])) if row[currency] and row[name] is not None else NONE

    return (
        person_link(str(row["person_id"]), None if row["name"] is None else str(row["name"])),
        text("email"),
        text("plan"),
        text("subscription_status").replace("_", " "),
        amount("mrr_minor", "mrr_currency"),
        amount("lifetime_value_minor", "currency"),
        text("country"),
        stamp(row["first_seen_at"], view.zone),  # type: ignore[arg-type]
        stamp(row["last_seen_at"], view.zone),  # type: ignore[arg-type]
    )
