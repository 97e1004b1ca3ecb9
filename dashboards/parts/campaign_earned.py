"""What a campaign earned: both groups, the lift with its interval and verdict in words, variants, last touch."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards.parts.campaign_words import VERDICTS, campaign_link, goal_words, verdict_badge
from dashboards.parts.money import money
from dashboards.parts.numbers import MINUS, NONE, count, percent
from dashboards.parts.table import Row, table
from dashboards.parts.times import stamp
from dashboards.parts.words import small
from dashboards.queries.campaigns import REACHED
from dashboards.view import View
from pipelines.campaigns import offers_words

Json = dict[str, Any]
_AMOUNTS = ("gross", "refunds", "discounts", "net", "net_per_person")
_COUNTED = ("People", "Reached the goal", "Share", "Gross", "Refunds", "Discounts", "Net", "Net per person")


def earned(name: str, found: Json, view: View) -> None:
    """Draw it; `found` is what `millstream campaign report` tells."""
    with st.container(border=True):
        st.subheader("What it earned", anchor=False)
        small(goal_words(found["goal"], lambda moment: stamp(moment, view.zone)), view.colours)
        _verdict(found, view)
        _groups(name, found, view)
        touched = found["last_touch"]
        small(
            f"Last touch, for comparison: {count(touched['payments'])} payments after a click on it, "
            f"{money(touched['net_minor'], touched['currency'])} net. That is no lift: many would have paid anyway.",
            view.colours,
        )
        if found["offers"] is not None:
            small(offers_words(found["offers"]), view.colours)
        if unconverted := found["revenue"]["unconverted"]:
            small(f"Money without an exchange rate is left out: {', '.join(unconverted)}.", view.colours)
    if found["variants"]:
        with st.container(border=True):
            st.subheader("Variants", anchor=False)
            _variants(found, view)
    if len(found["occurrences"]) > 1:
        with st.container(border=True):
            st.subheader("Occurrences", anchor=False)
            _occurrences(found, view)


def _verdict(found: Json, view: View) -> None:
    conversion, revenue = found["conversion"], found["revenue"]
    if conversion["verdict"] is None:
        small("Nobody was held out, so there is no telling what people would have done anyway.", view.colours)
        return
    currency = revenue["currency"]
    rows: list[Row] = [
        (
            "Reached the goal",
            points(conversion["lift"]),
            f"{points(conversion['interval'][0])} to {points(conversion['interval'][1])}",
            f"{signed(round(conversion['incremental']))} people",
            verdict_badge(conversion["verdict"]),
        ),
        (
            "Net money",
            f"{money(revenue['lift_minor'], currency)} per person",
            " to ".join(money(end, currency) for end in revenue["interval_minor"]),
            money(revenue["incremental_minor"], currency),
            verdict_badge(revenue["verdict"]),
        ),
    ]
    headers = ("What", "Lift", "Interval", "In all", "Verdict")
    table(headers, rows, numbers=headers[1:4], whole=("What", "Verdict"), caption="Lift", colours=view.colours)
    words = VERDICTS[conversion["verdict"]]
    if conversion["verdict"] == "underpowered" and found["goal"]["is_over"] and conversion["needed_people"]:
        words += f" To see a lift like that, or of a fifth, takes {count(conversion['needed_people'])} people each."
    small(words, view.colours)


def _groups(name: str, found: Json, view: View) -> None:
    rows: list[Row] = []
    for group, title, state in (("treated", "Drawn to be mailed", None), ("holdout", "Held out", "holdout")):
        rate, amounts = found["conversion"][group], found["revenue"][group]
        if rate is not None:
            people = campaign_link(name, count(rate["people"]), people=state) if state else count(rate["people"])
            reached = campaign_link(name, count(rate["converted"]), people=REACHED[group])
            told = [money(amounts[f"{one}_minor"], found["revenue"]["currency"]) for one in _AMOUNTS]
            rows.append((title, people, reached, percent(rate["rate"]), *told))
    headers = ("Group", *_COUNTED)
    table(headers, rows, numbers=_COUNTED, whole=("Group",), dense=True, caption="Groups", colours=view.colours)


def _variants(found: Json, view: View) -> None:
    rows: list[Row] = []
    for one in found["variants"]:
        conversion, earned = one["conversion"], one["revenue"]
        treated, verdict = conversion["treated"], conversion["verdict"]
        rows.append(
            (
                one["variant"],
                count(treated["people"]),
                count(treated["converted"]),
                percent(treated["rate"]),
                money(earned["treated"]["net_minor"], found["revenue"]["currency"]),
                NONE if conversion["lift"] is None else points(conversion["lift"]),
                NONE if verdict is None else verdict_badge(verdict),
            )
        )
    headers = ("Variant", "People", "Reached the goal", "Share", "Net", "Lift over held out", "Verdict")
    table(headers, rows, numbers=headers[1:6], whole=("Verdict",), caption="Variants", colours=view.colours)
    if found["winner"]:
        small(f"Winner: {found['winner']}. It is significantly ahead of every other variant.", view.colours)
    else:
        small("No winner: no variant is significantly ahead of every other one.", view.colours)


def _occurrences(found: Json, view: View) -> None:
    rows: list[Row] = []
    for one in found["occurrences"]:
        conversion = one.get("conversion") or {"lift": None}
        verdict = one.get("verdict")
        lift = NONE if conversion["lift"] is None else points(conversion["lift"])
        counted = (count(one["audience"]), count(one["accepted"]))
        rows.append((one["occurrence"], *counted, lift, NONE if verdict is None else verdict_badge(verdict)))
    headers = ("Occurrence", "Audience", "Accepted", "Lift", "Verdict")
    table(headers, rows, numbers=headers[1:4], whole=("Occurrence",), caption="Occurrences", colours=view.colours)


def points(share: float) -> str:
    """A difference of two shares: `+22.5 points`."""
    text = f"{100 * share:+.1f}".replace("-", MINUS)
    return f"{text} points" if text.strip("+0.−") else "0.0 points"


def signed(number: int) -> str:
    """A number with its sign: `+85`."""
    return f"+{count(number)}" if number > 0 else count(number)
