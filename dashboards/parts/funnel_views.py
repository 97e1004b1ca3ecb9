"""What a funnel shows: steps as bars and a table, or a trend; and the same question for the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import polars as pl
import streamlit as st

from dashboards.charts.funnel_bars import height
from dashboards.charts.funnel_steps import Base, finding, funnel_chart
from dashboards.parts.charted import charted
from dashboards.parts.download import csv_download
from dashboards.parts.funnel_table import funnel_table, step_names
from dashboards.parts.words import small
from dashboards.queries.funnel_question import Step
from dashboards.view import View
from pipelines.behaviour import FunnelAnswer

T = TypeVar("T")
_SHARES: dict[str, Base] = {"of the first step": "first", "of the step before": "previous"}


@dataclass(frozen=True)
class Look:
    """How the answer is looked at."""

    graph: Literal["steps", "trend"] = "steps"
    base: Base = "first"
    interval: Literal["day", "week", "month"] = "day"


def chosen_look(*, has_trend: bool) -> Look:
    """The choices above the picture, kept in the address."""
    with st.container(horizontal=True, vertical_alignment="center"):
        graph = _choice("Graph", ("steps", "trend"), key="graph") if has_trend else "steps"
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
    rows = [{key: value for key, value in vars(step).items() if key != "user_ids"} for step in answer.steps]
    csv_download(pl.DataFrame(rows, infer_schema_length=None), f"funnel_{name}.csv", key="steps_csv")


def the_same_by_command(document: dict[str, Any]) -> None:
    """The question as a document, for scripts."""
    with st.expander("Ask the same on the command line"):
        st.code(json.dumps(document, indent=2, ensure_ascii=False), language="json", wrap_lines=True)
        st.code("millstream funnel --query question.json --json", language="bash")
