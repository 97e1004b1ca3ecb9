"""The steps of a funnel as rows to edit: event, condition, optional or not, up, down, copy, remove.

The address is the one place where the steps live: each change rewrites it, each rerun reads it, so
what is on screen can be sent as a link. The session remembers them while another page is open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from dashboards.parts.frame import ICONS_ONLY
from dashboards.parts.step_filter import show, step_filter
from dashboards.queries.funnel_question import LEAST, MOST, Step, steps_of, text_of
from dashboards.queries.funnels import Catalogue, usual_steps
from pipelines.warehouse import Snapshot

_PARAMETER, _MEMORY = "steps", "funnel_steps"
_ANY = "Any event"


def edited_steps(snapshot: Snapshot, known: Catalogue) -> list[Step]:
    """Draw the rows and return the steps as they stand now."""
    written = st.query_params.get(_PARAMETER) or st.session_state.get(_MEMORY, "")
    steps = steps_of(written, known.steps) or usual_steps(known.names)
    _keep(steps)
    for number, step in enumerate(steps):
        _row(snapshot, known.steps, steps, number, step)
    full = len(steps) >= MOST
    st.button(
        "Add step",
        icon=":material/add:",
        type="tertiary",
        disabled=full,
        help=f"A funnel has at most {MOST} steps here." if full else None,
        on_click=lambda: _keep([*steps, Step(known.names[0])]),
    )
    return steps


def _keep(steps: list[Step]) -> None:
    text = text_of(steps)
    st.session_state[_MEMORY] = text
    if st.query_params.get(_PARAMETER) != text:
        st.query_params[_PARAMETER] = text


def _row(snapshot: Snapshot, names: list[str], steps: list[Step], number: int, step: Step) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        options = [*names, _ANY]
        show(f"step_{number}", step.event or _ANY)
        st.selectbox(
            f"Step {number + 1}",
            options,
            key=f"step_{number}",
            label_visibility="collapsed",
            width=320,
            on_change=lambda: _keep(_with(steps, number, _of_event(st.session_state[f"step_{number}"], step.optional))),
        )
        step_filter(
            snapshot,
            step,
            number,
            f"step {number + 1}",
            lambda changed: _keep(_with(steps, number, changed)),
            before="Optional. " if step.optional and number else "",
            beneath=lambda: _optional(steps, number, step),
        )
        with st.container(horizontal=True, gap="small", width="content", key=f"{ICONS_ONLY}_step_{number}"):
            last = len(steps) - 1
            _button("arrow_upward", "Move up", number, number == 0, lambda: _keep(_moved(steps, number, -1)))
            _button("arrow_downward", "Move down", number, number == last, lambda: _keep(_moved(steps, number, 1)))
            copied = [*steps[: number + 1], *steps[number:]]
            _button("content_copy", "Duplicate", number, len(steps) >= MOST, lambda: _keep(copied))
            others = [*steps[:number], *steps[number + 1 :]]
            _button("close", "Remove", number, len(steps) <= LEAST, lambda: _keep(others))


def _button(icon: str, what: str, number: int, disabled: bool, act: Callable[[], None]) -> None:
    # Without a label Streamlit would announce the button by its icon's file name.
    st.button(
        f"{what}: step {number + 1}",
        icon=f":material/{icon}:",
        key=f"{icon}_{number}",
        help=f"{what}: step {number + 1}",
        type="tertiary",
        disabled=disabled,
        on_click=act,
    )


def _optional(steps: list[Step], number: int, step: Step) -> None:
    key = f"optional_{number}"
    st.session_state[key] = step.optional
    st.toggle(
        "This step may be left out",
        key=key,
        disabled=number == 0,
        help="Everybody does the first step." if number == 0 else None,
        on_change=lambda: _keep(_with(steps, number, replace(step, optional=st.session_state[key]))),
    )


def _of_event(chosen: str, optional: bool) -> Step:
    return Step(None if chosen == _ANY else chosen, optional=optional)


def _with(steps: list[Step], number: int, step: Step) -> list[Step]:
    return [*steps[:number], step, *steps[number + 1 :]]


def _moved(steps: list[Step], number: int, by: int) -> list[Step]:
    found = list(steps)
    found[number], found[number + by] = found[number + by], found[number]
    return found
