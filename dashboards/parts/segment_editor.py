"""The editor of one segment: draw or write the rule, see at once whom it finds, save it."""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st
import yaml

from dashboards.parts.condition_row import DEBOUNCE, Choices
from dashboards.parts.people import people_table
from dashboards.parts.segment_builder import START, begin, builder
from dashboards.parts.segment_tables import figures, guessed, losses
from dashboards.parts.words import literal, sentence, small
from dashboards.queries.rules import Json, document_of, groups_of
from dashboards.queries.segments import everybody, guess, keep, look, members_csv
from dashboards.view import View
from pipelines.errors import MillstreamError
from pipelines.segments import SegmentDocument

NEXT, TOLD = "segment-next", "segment-told"
"""What the next run opens and tells: an input bound to the address takes no value once it is drawn."""


@st.fragment
def editor(
    view: View, choices: Choices, document: SegmentDocument | None, ready: SegmentDocument | None = None
) -> None:
    """The builder and what it finds; only this part runs again while somebody draws.

    It begins with the saved `document`, else with one of the gallery, which is not saved yet.
    """
    left, right = st.columns([3, 2])
    with left:
        match, missing, name, description = _inputs(view, choices, document, ready)
        pressed = st.button("Save segment", type="primary", key="save", disabled=bool(missing) or not name)
    with right, st.container(border=True):
        try:
            written = yaml.safe_load(match) if isinstance(match, str) else match
            rule = document_of(name or "draft", description, written)
            first = st.empty()
            if (about := guess(view.settings, choices.snapshot, rule)) is not None:
                with first:
                    guessed(about, everybody(choices.snapshot), view)
            found = look(view.settings, choices.snapshot, rule)
            first.empty()
        except (MillstreamError, yaml.YAMLError) as problem:
            told = str(problem) if isinstance(problem, MillstreamError) else "The rule is no YAML."
            st.warning(literal(told), icon=":material/warning:")
            return
        sentence = escape(found.answer["sentence"])
        st.html(f'<div role="note" style="font-size:15px;color:{view.colours.text}">{sentence}</div>')
        if missing:
            small("A condition without a value is left out for now.", view.colours)
        figures(found.answer, view)
        if pressed:
            _save(view, choices, rule)
        losses(found.answer, view)
    with st.container(border=True):
        st.subheader("People", anchor=False)
        people_table(view, found.people, key="segment-people")
        if document is not None:
            _download(view, choices, document.name)
    with st.expander("The document, as millstream segment save takes it"):
        st.code(yaml.safe_dump(rule.plain(), sort_keys=False, allow_unicode=True), language="yaml")


def _inputs(
    view: View, choices: Choices, document: SegmentDocument | None, ready: SegmentDocument | None
) -> tuple[Json | str, int, str, str]:
    """The rule (drawn or as text), how many conditions are incomplete, name and description."""
    given = document or ready
    begun: dict[str, Any] = given.plain()["match"] if given else {"all": _first(choices)}
    loaded = f"{given.name}:{given.content_hash()}" if given else "new"
    groups = groups_of(begun)
    if groups is None:
        small("This rule has a shape that the builder can not draw; it is edited as text.", view.colours)
    match: Json | str
    missing = 0
    if groups is None or st.toggle("Write the rule as text", key=f"text-{loaded}"):
        text = yaml.safe_dump(begun, sort_keys=False, allow_unicode=True)
        match = st.text_area("Rule", text, height=260, key=f"rule-{loaded}")
    else:
        begin(loaded, groups)
        match, missing = builder(choices, view)
    called, about = (given.name, given.description) if given else ("", "")
    name = st.text_input("Name", called, key=f"name-{loaded}", live=DEBOUNCE, placeholder="for example lapsed_annual")
    description = st.text_input("Description", about, key=f"description-{loaded}", live=DEBOUNCE)
    return match, missing, name.strip(), description.strip()


def _first(choices: Choices) -> list[Json]:
    return [{"event": {**START, "name": choices.events[0]}}] if choices.events else []


def _save(view: View, choices: Choices, rule: SegmentDocument) -> None:
    """Keep the rule as `millstream segment save` does, and open it as it was saved."""
    try:
        changed = keep(view.settings, choices.snapshot, rule, actor=view.person.name)
    except MillstreamError as problem:
        st.error(sentence(str(problem)), icon=":material/error:")
        return
    st.session_state[NEXT] = rule.name
    st.session_state[TOLD] = f"Segment {rule.name} {'is saved' if changed else 'was saved already'}."
    st.rerun(scope="app")


def _download(view: View, choices: Choices, name: str) -> None:
    def made() -> bytes:
        who = view.person
        return members_csv(view.settings, choices.snapshot, name, actor=who.name, sees_addresses=who.sees_addresses)

    st.download_button(
        "Download the people of the saved segment (CSV)",
        made,
        file_name=f"segment-{name}_{choices.snapshot.as_of:%Y-%m-%d}.csv",
        mime="text/csv",
        key="segment-csv",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
    )
