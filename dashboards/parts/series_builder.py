"""The series of a trend as rows to edit: event, measure, property, condition, remove.

As with a funnel's steps, the address is the one place where they live.
"""

from __future__ import annotations

from dataclasses import replace
from string import ascii_uppercase

import streamlit as st

from dashboards.parts.frame import ICONS_ONLY
from dashboards.parts.step_filter import show, step_filter
from dashboards.queries.funnel_question import Step
from dashboards.queries.funnels import property_names, usual_steps
from dashboards.queries.trend_question import MEASURES, MOST, Counted, series_of, text_of
from pipelines.behaviour import OF_A_PROPERTY
from pipelines.warehouse import Snapshot

_PARAMETER, _MEMORY = "series", "trend_series"
_ANY = "Any event"


def edited_series(snapshot: Snapshot, names: list[str]) -> list[Counted]:
    """Draw the rows and return the series as they stand now."""
    written = st.query_params.get(_PARAMETER) or st.session_state.get(_MEMORY, "")
    series = series_of(written, names) or [Counted(usual_steps(names)[0])]
    _keep(series)
    for number, one in enumerate(series):
        _row(snapshot, names, series, number, one)
    full = len(series) >= MOST
    st.button(
        "Add series",
        icon=":material/add:",
        type="tertiary",
        disabled=full,
        help="There is no room for more series here." if full else None,
        on_click=lambda: _keep([*series, Counted(Step(names[0]))]),
    )
    return series


def _keep(series: list[Counted]) -> None:
    text = text_of(series)
    st.session_state[_MEMORY] = text
    if st.query_params.get(_PARAMETER) != text:
        st.query_params[_PARAMETER] = text


def _row(snapshot: Snapshot, names: list[str], series: list[Counted], number: int, one: Counted) -> None:
    letter = ascii_uppercase[number]
    event, measure, of = (f"{what}_{number}" for what in ("event", "measure", "of"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if len(series) > 1:
            st.html(f"<b>{letter}</b>", width="content")
        show(event, one.step.event or _ANY)
        st.selectbox(
            f"Event of series {letter}",
            [*names, _ANY],
            key=event,
            label_visibility="collapsed",
            width=280,
            on_change=lambda: _put(series, number, replace(one, step=_of_event(st.session_state[event]))),
        )
        show(measure, one.words)
        st.selectbox(
            f"Measure of series {letter}",
            list(MEASURES),
            key=measure,
            label_visibility="collapsed",
            width=190,
            on_change=lambda: _put(series, number, replace(one, measure=MEASURES[st.session_state[measure]])),
        )
        if one.measure in OF_A_PROPERTY:
            known = property_names(snapshot, one.step.event)
            show(of, one.of or None)
            st.selectbox(
                f"Property of series {letter}",
                [*known, *([one.of] if one.of and one.of not in known else [])],
                key=of,
                placeholder="Property",
                accept_new_options=True,
                label_visibility="collapsed",
                width=190,
                on_change=lambda: _put(series, number, replace(one, of=st.session_state[of] or "")),
            )
        step_filter(
            snapshot,
            one.step,
            number,
            f"series {letter}",
            lambda changed: _put(series, number, replace(one, step=changed)),
        )
        if len(series) > 1:
            with st.container(horizontal=True, gap="small", width="content", key=f"{ICONS_ONLY}_series_{number}"):
                # Without a label Streamlit would announce the button by its icon's file name.
                st.button(
                    f"Remove: series {letter}",
                    icon=":material/close:",
                    key=f"close_{number}",
                    help=f"Remove: series {letter}",
                    type="tertiary",
                    on_click=lambda: _keep([*series[:number], *series[number + 1 :]]),
                )


def _put(series: list[Counted], number: int, changed: Counted) -> None:
    _keep([*series[:number], changed, *series[number + 1 :]])


def _of_event(chosen: str) -> Step:
    # Another event has other properties: its condition begins anew.
    return Step(None if chosen == _ANY else chosen)
