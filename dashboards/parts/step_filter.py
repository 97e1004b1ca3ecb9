"""One condition on an event's property, in a popover beside the event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from dashboards.parts.words import literal
from dashboards.queries.funnel_question import OPS, Step
from dashboards.queries.funnels import property_names
from pipelines.warehouse import Snapshot


def step_filter(
    snapshot: Snapshot,
    step: Step,
    number: int,
    what: str,
    changed: Callable[[Step], None],
    *,
    before: str = "",
    beneath: Callable[[], None] = lambda: None,
) -> None:
    """Draw the condition of row `number` (from 0), which is called `what`; `changed` gets the step with the new one.

    `before` stands before the words of the condition, and `beneath` draws what else belongs to the step.
    """
    with st.popover(
        before + (literal(_short(step.condition)) or "Filter"),
        key=f"filter_{number}",
        icon=":material/filter_alt:",
        help=f"Filter of {what}",
    ):
        _condition(snapshot, step, number, changed)
        beneath()


def show(key: str, value: str | None) -> None:
    """Make a widget show what the address says, also after a move or a click on a link."""
    st.session_state[key] = value


def _condition(snapshot: Snapshot, step: Step, number: int, changed: Callable[[Step], None]) -> None:
    known = property_names(snapshot, step.event)
    keys = {field: f"{field}_{number}" for field in ("field", "op", "value")}
    show(keys["field"], step.field or None)
    show(keys["op"], step.op)
    show(keys["value"], step.value)

    def read() -> None:
        now = {"value": step.value} | {field: st.session_state.get(key) or "" for field, key in keys.items()}
        changed(replace(step, field=now["field"], op=now["op"], value=now["value"]))

    st.selectbox(
        "Property",
        [*known, *([step.field] if step.field and step.field not in known else [])],
        index=None,  # so that it can be cleared
        key=keys["field"],
        placeholder="No filter",
        accept_new_options=True,
        on_change=read,
    )
    st.selectbox("Comparison", list(OPS), key=keys["op"], on_change=read)
    if step.op not in ("is set", "is not set"):
        st.text_input("Value", key=keys["value"], on_change=read, help="Several values of “is one of” with commas.")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
