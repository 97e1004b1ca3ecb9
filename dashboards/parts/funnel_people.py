"""The people behind a funnel: who reached a step, or came as far as the one before it and no further."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboards.charts.funnel_steps import many
from dashboards.parts.download import csv_download
from dashboards.parts.numbers import counted
from dashboards.parts.people import SHOWN, people_table
from dashboards.parts.table import table
from dashboards.parts.words import sentence, small
from dashboards.queries.funnels import people, save_people
from dashboards.view import View
from pipelines.behaviour import FunnelAnswer
from pipelines.errors import UsageError

_NOBODY = "nobody yet"


def funnel_people(answer: FunnelAnswer, document: dict[str, Any], view: View, *, name: str) -> None:
    """A choice of step, kept in the address, and the list it leads to."""
    assert view.snapshot is not None
    choices = _choices(len(answer.steps))
    chosen = st.selectbox(
        f"Show the {many(answer.query)} who", list(choices), key="people", bind="query-params", width=320
    )
    if (choice := choices[chosen]) is None:
        small("Choose a step to see who reached it or who dropped out before it.", view.colours)
        return
    step, dropped = choice
    found = people(view.snapshot, document, step, dropped=dropped)
    if answer.query.aggregate_by == "account":
        _accounts(view, found, f"funnel-{chosen.replace(' ', '-')}_{name}.csv")
        return
    small(f"{counted(len(found), 'person', 'people')}.", view.colours)
    people_table(view, found, key="people_page")
    frame = pl.DataFrame({"person_id": found}, schema={"person_id": pl.String})
    csv_download(frame, f"funnel-{chosen.replace(' ', '-')}_{name}.csv", key="people_csv")
    _save_as_segment(view, chosen, found)


def _accounts(view: View, found: list[str], file: str) -> None:
    """Accounts by their ids; they have no page of their own."""
    small(f"{counted(len(found), 'account')}.", view.colours)
    rows = [(account,) for account in found[:SHOWN]]
    table(("Account",), rows, numbers=(), caption="Accounts", colours=view.colours)
    if len(found) > SHOWN:
        small(f"The first {SHOWN}; the CSV has all.", view.colours)
    csv_download(pl.DataFrame({"account": found}, schema={"account": pl.String}), file, key="people_csv")


def _save_as_segment(view: View, chosen: str, found: list[str]) -> None:
    assert view.snapshot is not None
    with st.popover("Save as segment", icon=":material/group_add:", disabled=not found):
        small("These people by name, whatever they do from now on.", view.colours)
        name = st.text_input("Name", key="people_segment", placeholder="for example saw_prices")
        if st.button("Save", key="people_save", disabled=not name):
            try:
                told = save_people(view.settings, view.snapshot, name, chosen, found, actor=view.person.name)
            except UsageError as problem:
                st.warning(sentence(str(problem)), icon=":material/warning:")
            else:
                small(told, view.colours)


def _choices(steps: int) -> dict[str, tuple[int, bool] | None]:
    found: dict[str, tuple[int, bool] | None] = {_NOBODY: None}
    for step in range(steps):
        if step:
            found[f"dropped before step {step + 1}"] = (step, True)
        found[f"reached step {step + 1}"] = (step, False)
    return found
