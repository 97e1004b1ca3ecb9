"""The builder of a segment: groups of conditions, kept in the session while they are drawn."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

import streamlit as st

from dashboards.parts.condition_row import Choices, condition_row
from dashboards.parts.words import small
from dashboards.queries.rules import Json, match_of
from dashboards.view import View

_KEY = "draft"
_numbers = count()
START: Json = {"count": {"op": "gte", "value": 1}, "within": "30d"}
"""What a new condition on an event begins with."""
TRAIT: Json = {"field": "subscription_status", "op": "eq", "value": "active"}


def begin(loaded: str, groups: list[list[Json]]) -> None:
    """Put these groups into the builder unless it already works on what `loaded` names."""
    if st.session_state.get(_KEY, {}).get("loaded") != loaded:
        drawn = [[(_uid(), condition) for condition in group] for group in groups]
        st.session_state[_KEY] = {"loaded": loaded, "groups": drawn}


def builder(choices: Choices, view: View) -> tuple[Json, int]:
    """Draw the groups; the rule as it stands, and how many conditions are incomplete."""
    groups = _groups()
    found: list[list[Json]] = []
    missing = 0
    first = START | {"name": choices.events[0]} if choices.events else None
    start: Json = {"event": first} if first else {"trait": TRAIT}
    for number, group in enumerate(groups):
        if number:
            small("or", view.colours)
        with st.container(border=True):
            words = "Everybody of whom all of this is true" if group else "Everybody"
            small(words if len(groups) == 1 else f"Group {number + 1}: all of this is true", view.colours)
            rows = [condition_row(uid, begun, choices, partial(_remove, uid)) for uid, begun in group]
            missing += sum(row is None for row in rows)
            found.append([row for row in rows if row is not None])
            add, icon = f"add-{number}", ":material/add:"
            st.button("Add condition", key=add, icon=icon, on_click=_add, args=(number, start))
    icon = ":material/library_add:"
    st.button("Add a group (or)", key="add-group", icon=icon, on_click=_add_group, args=({"trait": TRAIT},))
    return match_of(found), missing


def _uid() -> str:
    return f"c{next(_numbers)}"


def _groups() -> list[list[tuple[str, Any]]]:
    found: list[list[tuple[str, Any]]] = st.session_state[_KEY]["groups"]
    return found


def _add(number: int, start: Json) -> None:
    _groups()[number].append((_uid(), start))


def _add_group(start: Json) -> None:
    _groups().append([(_uid(), start)])


def _remove(uid: str) -> None:
    kept = [[one for one in group if one[0] != uid] for group in _groups()]
    st.session_state[_KEY]["groups"] = [group for group in kept if group] or [[]]
