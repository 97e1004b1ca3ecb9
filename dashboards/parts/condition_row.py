"""One condition of a rule as a row of inputs: a property, an event, a mail, a campaign, a part, another segment.

What has no inputs (a filter of an event's properties, a score, a group within a group) stands there in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from dashboards.parts.words import literal
from dashboards.queries.rules import Json, has_inputs, in_words
from dashboards.queries.segments import common_values
from pipelines.segments import COMPARED, OPS, TIMES, Field
from pipelines.warehouse import Snapshot

DEBOUNCE = "400ms"
KINDS = {
    "trait": "Property",
    "event": "Did event",
    "email": "Campaign mail",
    "campaign": "Recipient",
    "segment": "Segment",
    "percent": "Part of all",
}
_STATES = (None, "accepted", "holdout", "delivered", "opened", "clicked", "bounced", "suppressed", "unsubscribed")
_TOLD = ("click", "open", "delivered", "bounce", "unsubscribe", "spamreport")
_SPANS = {None: "ever", "1d": "1 day", "7d": "7 days", "14d": "14 days", "30d": "30 days", "60d": "60 days",
          "90d": "90 days", "180d": "180 days", "365d": "365 days"}  # fmt: skip
_EXACT = ("eq", "ne")
_MANY = ("in", "not_in")
_CLOSE = ":material/close:"
_ANY = ("is_set", "is_not_set")


@dataclass(frozen=True)
class Choices:
    """What there is to choose from."""

    snapshot: Snapshot
    fields: dict[str, Field]
    events: Sequence[str]
    campaigns: Sequence[str]
    segments: Sequence[str]
    currency: str


def condition_row(uid: str, start: Json, choices: Choices, remove: Callable[[], None]) -> Json | None:
    """Draw the inputs, beginning with `start`; the condition as it stands, None while it is incomplete."""
    if not has_inputs(start, choices.fields):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(literal(in_words(start)), width="stretch")
            st.button("Remove condition", icon=_CLOSE, key=f"{uid}-remove", on_click=remove, type="tertiary")
        return start
    inner = start.get("not", start)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kind = _select("Kind", list(KINDS), next(iter(inner)), uid, "kind", words=KINDS, width=140)
        draw = _DRAW[kind]
        condition = draw(uid, inner.get(kind) if kind in inner else None, choices, "not" in start)
        st.button("Remove condition", icon=_CLOSE, key=f"{uid}-remove", on_click=remove, type="tertiary")
    return condition


def _trait(uid: str, start: Any, choices: Choices, _negated: bool) -> Json | None:
    begun = start or {"field": "subscription_status", "op": "eq", "value": "active"}
    names = list(choices.fields)
    name = _select("Field", names, begun["field"], uid, "field", width=190)
    field = choices.fields[name]
    same = begun if begun["field"] == name else {}
    ops = [op for op in COMPARED if op in OPS[field.kind]]
    op = _select("Comparison", ops, same.get("op", ops[0]), uid, f"op-{name}", words=COMPARED, width=150)
    if op in _ANY:
        return {"trait": {"field": name, "op": op}}
    value = _value(f"{uid}-{name}-{'many' if op in _MANY else 'one'}", field, op, same.get("value"), choices)
    if value is None or value in ("", []):
        return None
    trait = {"field": name, "op": op, "value": value}
    if field.kind == "money":
        given = str(same.get("currency", choices.currency)).upper()
        code = st.text_input("Currency", given, key=f"{uid}-{name}-currency", max_chars=3, width=90)
        if not code:
            return None
        trait["currency"] = code.upper()
    return {"trait": trait}


def _value(key: str, field: Field, op: str, start: Any, choices: Choices) -> Any:
    if op in _MANY:
        given = start if isinstance(start, list) else []
        options = list(dict.fromkeys([*given, *_offered(field, choices)]))
        return _numbers(
            field, st.multiselect("Values", options, default=given, key=key, accept_new_options=True, width=260)
        )
    single = None if isinstance(start, list) else start
    if field.kind == "flag":
        return st.selectbox("Value", ("yes", "no"), index=int(single is False), key=key, width=110) == "yes"
    if field.kind in ("number", "money"):
        return _whole(st.number_input("Value", value=_float(single), key=key, width=130))
    if field.kind == "moment":
        found = st.date_input("Day", _day(single), key=key, format="YYYY-MM-DD", width=140)
        return found.isoformat() if isinstance(found, date) else None
    offered = list(_offered(field, choices)) if op in _EXACT else []
    if offered:
        options = list(dict.fromkeys([*([str(single)] if single is not None else []), *offered]))
        index = options.index(str(single)) if single is not None else None
        placeholder = "Choose or type"
        return st.selectbox(
            "Value", options, index=index, key=key, accept_new_options=True, placeholder=placeholder, width=200
        )
    return st.text_input("Value", "" if single is None else str(single), key=key, live=DEBOUNCE, width=200).strip()


def _event(uid: str, start: Any, choices: Choices, _negated: bool) -> Json | None:
    begun = start or {"name": choices.events[0] if choices.events else ""}
    names = list(dict.fromkeys([*([begun["name"]] if begun["name"] else []), *choices.events]))
    index = 0 if names else None
    name = st.selectbox("Event", names, index=index, key=f"{uid}-event", accept_new_options=True, width=220)
    counted = _count(uid, begun)
    return {"event": {"name": name, **counted}} if name else None


def _email(uid: str, start: Any, choices: Choices, _negated: bool) -> Json | None:
    begun = start or {"event": "click"}
    told = _select("Told by the mailer", _TOLD, begun["event"], uid, "told", width=140)
    campaign = _select(
        "Campaign", ["any", *choices.campaigns], begun.get("campaign", "any"), uid, "campaign", width=200
    )
    return {"email": {"event": told, "campaign": campaign, **_count(uid, begun)}}


def _segment(uid: str, start: Any, choices: Choices, negated: bool) -> Json | None:
    is_in = _select("Is", ["in", "not in"], "not in" if negated else "in", uid, "in", width=110)
    names = list(dict.fromkeys([*([start] if start else []), *choices.segments]))
    if not names:
        st.text_input("Segment", "no other segment is saved", key=f"{uid}-none", disabled=True, width=220)
        return None
    name = _select("Segment", names, names[0], uid, "segment", width=220)
    return {"segment": name} if is_in == "in" else {"not": {"segment": name}}


def _campaign(uid: str, start: Any, choices: Choices, _negated: bool) -> Json | None:
    begun = start or {"name": "any"}
    names = list(dict.fromkeys(["any", begun["name"], *choices.campaigns]))
    name = _select("Campaign", names, begun["name"], uid, "of-campaign", width=220)
    states = list(dict.fromkeys([*_STATES, begun.get("state")]))
    words = {state: "in any state" if state is None else state.replace("_", " ") for state in states}
    state = _select("Whose mail is", states, begun.get("state"), uid, "state", words=words, width=170)
    return {"campaign": {"name": name} | ({"state": state} if state else {})}


def _percent(uid: str, start: Any, _choices: Choices, _negated: bool) -> Json | None:
    begun = start or {"of": 50, "salt": "first-split"}
    share = st.number_input("Per cent", 0.0, 100.0, float(begun["of"]), key=f"{uid}-share", width=130)
    salt = st.text_input("Split", str(begun["salt"]), key=f"{uid}-salt", live=DEBOUNCE, width=200).strip()
    return {"percent": {"of": _whole(share), "salt": salt}} if share and salt else None


_DRAW = {
    "trait": _trait,
    "event": _event,
    "email": _email,
    "campaign": _campaign,
    "segment": _segment,
    "percent": _percent,
}


def _count(uid: str, start: Json) -> Json:
    given = start.get("count", {"op": "gte", "value": 1})
    ops = [op for op in TIMES if op != "ne" or given.get("op") == "ne"]
    op = _select("How often", ops, given.get("op", "gte"), uid, "count-op", words=TIMES, width=130)
    times = st.number_input("Times", 0, 10**9, int(given.get("value", 1)), key=f"{uid}-count", width=110)
    spans = {start.get("within"): str(start.get("within"))} | _SPANS
    within = _select("In the last", list(spans), start.get("within", "30d"), uid, "within", words=spans, width=120)
    return {"count": {"op": op, "value": int(times)}} | ({"within": within} if within else {})


def _select(
    label: str,
    options: Sequence[Any],
    start: Any,
    uid: str,
    part: str,
    *,
    words: dict[Any, str] | None = None,
    width: int,
) -> Any:
    index = list(options).index(start) if start in options else 0
    shown = (lambda option: words[option]) if words else str
    return st.selectbox(label, options, index=index, format_func=shown, key=f"{uid}-{part}", width=width)


def _offered(field: Field, choices: Choices) -> Sequence[str]:
    # Values that many share; an address belongs to one person and is typed.
    return common_values(choices.snapshot, field=field.name) if field.kind == "text" else []


def _numbers(field: Field, values: list[str]) -> list[Any]:
    if field.kind not in ("number", "money"):
        return values
    return [_whole(float(value)) for value in values if _is_number(value)]


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def _float(value: Any) -> float | int | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _whole(value: float | int | None) -> float | int | None:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
