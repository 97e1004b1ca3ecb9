"""What a funnel shows: steps as bars and tables, a trend or times; and the same question for the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import polars as pl
import streamlit as st

from dashboards.charts.funnel_bars import Bar, funnel_bars, height
from dashboards.charts.funnel_steps import Base, finding, funnel_chart, many
from dashboards.parts.charted import charted
from dashboards.parts.download import csv_download
from dashboards.parts.funnel_table import (
    SHOWN,
    funnel_table,
    not_all_shown,
    split_frame,
    split_table,
    step_names,
    value_name,
)
from dashboards.parts.numbers import count, counted, length
from dashboards.parts.table import table
from dashboards.parts.words import small
from dashboards.queries.funnel_question import Step
from dashboards.view import View
from pipelines.behaviour import ConversionAnswer, ConversionPart, FunnelAnswer

T = TypeVar("T")
_SHARES: dict[str, Base] = {"of the first step": "first", "of the step before": "previous"}


@dataclass(frozen=True)
class Look:
    """How the answer is looked at."""

    graph: Literal["steps", "trend", "times"] = "steps"
    base: Base = "first"
    interval: Literal["day", "week", "month"] = "day"


def chosen_look() -> Look:
    """The choices above the picture, kept in the address."""
    with st.container(horizontal=True, vertical_alignment="center"):
        graph = _choice("Graph", ("steps", "trend", "times"), key="graph")
        if graph == "times":
            return Look("times")
        if graph == "trend":
            return Look("trend", interval=_choice("Entered by", ("day", "week", "month"), key="by"))
        return Look("steps", base=_SHARES[_choice("Shares", tuple(_SHARES), key="share")])


def _choice(label: str, options: tuple[T, ...], *, key: str) -> T:
    return st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    )


def steps_view(answer: FunnelAnswer, steps: Sequence[Step], view: View, *, base: Base, name: str) -> None:
    """The sentence, the bars that say it, the table and its CSV."""
    names = step_names(answer, steps)
    small(finding(answer, names), view.colours)
    charted(funnel_chart(answer, names, view.colours, base=base), key="funnel", height=height(len(names)))
    funnel_table(answer, names, view)
    rows = [
        {key: value for key, value in vars(step).items() if key not in ("user_ids", "revenue")} for step in answer.steps
    ]
    csv_download(pl.DataFrame(rows, infer_schema_length=None), f"funnel_{name}.csv", key="steps_csv")
    if answer.breakdown is not None:
        split_table(answer, names, view)
        csv_download(
            split_frame(answer.breakdown), f"funnel-by-value_{name}.csv", label="Download CSV by value", key="split_csv"
        )


def times_view(answer: ConversionAnswer, view: View, *, name: str) -> None:
    """How long people took from the first step to the last: the sentence, a bar for each stretch of time, its CSV."""
    people = sum(users for _, users in answer.bins)
    one_or_many = ("account", "accounts") if answer.query.aggregate_by == "account" else ("person", "people")
    said = (
        f"{counted(people, *one_or_many)} came through, on average in {length(answer.average_seconds)}, "
        f"half of them within {length(answer.median_seconds)}."
        if people
        else "Nobody came through."
    )
    small(said, view.colours)
    if people:
        bars = [Bar(f"from {length(start)}", users, count(users)) for start, users in answer.bins]
        charted(funnel_bars(bars, alt=said, colours=view.colours), key="times", height=height(len(bars)))
    frame = pl.DataFrame(answer.bins, schema={"start_second": pl.Int64, "users": pl.Int64}, orient="row")
    csv_download(frame, f"funnel-times_{name}.csv", key="times_csv")
    if answer.breakdown is not None:
        _times_by_value(answer, answer.breakdown, view, name=name)


def _times_by_value(answer: ConversionAnswer, parts: Sequence[ConversionPart], view: View, *, name: str) -> None:
    headers = ("Value", many(answer.query).capitalize(), "Mean time", "Median time")
    rows = [
        (
            value_name(part.value),
            count(part.people),
            length(part.average_seconds),
            length(part.median_seconds),
        )
        for part in parts[:SHOWN]
    ]
    table(headers, rows, numbers=headers[1:], caption="Times by value", colours=view.colours)
    not_all_shown(len(parts), view)
    frame = pl.DataFrame(
        [(part.value, *part_bin) for part in parts for part_bin in part.bins],
        schema={"value": pl.String, "start_second": pl.Int64, "users": pl.Int64},
        orient="row",
    )
    csv_download(frame, f"funnel-times-by-value_{name}.csv", label="Download CSV by value", key="times_split_csv")


def the_same_by_command(document: dict[str, Any]) -> None:
    """The question as a document, for scripts."""
    with st.expander("Ask the same on the command line"):
        st.code(json.dumps(document, indent=2, ensure_ascii=False), language="json", wrap_lines=True)
        st.code("millstream funnel --query question.json --json", language="bash")
