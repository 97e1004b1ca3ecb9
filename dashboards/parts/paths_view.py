"""What paths show: a sentence, the bands, a table whose events lead on, and its CSV."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.charts.sankey import Band, height, sankey
from dashboards.parts.charted import charted
from dashboards.parts.download import csv_download
from dashboards.parts.links import here_with
from dashboards.parts.numbers import count, counted, percent
from dashboards.parts.table import Link, Row, table
from dashboards.parts.words import small
from dashboards.view import View
from pipelines.behaviour import PathsAnswer


def paths_view(answer: PathsAnswer, view: View, *, name: str) -> None:
    """Everything that the answer says."""
    small(finding(answer), view.colours)
    option = paths_chart(answer, view.colours)
    charted(option, key="bands", height=height(len(_rows(answer))))
    heading = "Next" if answer.query.direction == "next" else "Before"
    headers = (heading, "Sessions", "Share")
    rows: list[Row] = [
        (
            words if event is None else Link(words, here_with("paths", event=event)),
            count(sessions),
            percent(sessions / answer.sessions),
        )
        for words, event, sessions in _rows(answer)
    ]
    caption = f"What came {'next' if answer.query.direction == 'next' else 'before'}"
    table(headers, rows, numbers=headers[1:], prose=headers[:1], caption=caption, colours=view.colours)
    small("A session that had the event more than once can stand in several rows.", view.colours)
    frame = pl.DataFrame(
        [(link.source, link.target, link.sessions) for link in answer.links],
        schema={"from": pl.String, "to": pl.String, "sessions": pl.Int64},
        orient="row",
    )
    csv_download(frame, f"paths_{name}.csv", key="paths_csv")


def finding(answer: PathsAnswer) -> str:
    """What the picture shows, as a sentence."""
    after = answer.query.direction == "next"
    words = f"{counted(answer.sessions, 'session')} with “{answer.query.event}”"
    if not answer.links:
        return f"{words}; nothing came {'after' if after else 'before'} it."
    link = answer.links[0]
    best = link.target if after else link.source
    share = percent(link.sessions / answer.sessions)
    return f"{words}; most often “{best}” came {'next' if after else 'before'}: {count(link.sessions)} ({share})."


def paths_chart(answer: PathsAnswer, colours: Palette) -> Option:
    """A band per row of the table."""
    bands = [Band(f"{words}  {count(sessions)}", sessions, event is None) for words, event, sessions in _rows(answer)]
    middle = f"{answer.query.event}  {count(answer.sessions)}"
    return sankey(middle, bands, is_left=answer.query.direction == "previous", alt=finding(answer), colours=colours)


def _rows(answer: PathsAnswer) -> list[tuple[str, str | None, int]]:
    """In words, the event it leads on with, sessions: the links, the other events, nothing at all."""
    after = answer.query.direction == "next"
    found: list[tuple[str, str | None, int]] = [
        (beside, beside, link.sessions) for link in answer.links for beside in [link.target if after else link.source]
    ]
    if answer.other.events:
        found.append((f"{counted(answer.other.events, 'other event')}", None, answer.other.sessions))
    if answer.none:
        found.append((f"nothing {'after' if after else 'before'} it", None, answer.none))
    return found


def chosen_direction() -> str:
    """Next or previous, kept in the address."""
    return st.segmented_control(
        "Direction",
        ("next", "previous"),
        default="next",
        required=True,
        key="direction",
        bind="query-params",
    )
