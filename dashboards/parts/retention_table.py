"""Retention as a heatmap that is a real table: each cell can be read, copied and heard.

The first column is the cohort itself and stays grey: coloured, it would outshine all others. A cell
whose period is not over yet is hatched and has a mark.
"""

from __future__ import annotations

from datetime import date
from html import escape

import polars as pl
import streamlit as st

from dashboards.charts.palette import Palette
from dashboards.parts.numbers import NONE, count, percent
from dashboards.parts.times import long_day
from pipelines.behaviour import RetentionAnswer

MARK = "*"


def retention_table(
    answer: RetentionAnswer, *, whole: list[bool], average: list[float | None], shares: bool, colours: Palette
) -> None:
    """The heatmap: the weighted average on top, then a row per cohort, the oldest first."""
    unit = answer.query.period
    heads = ["Cohort", "People", f"{unit.capitalize()} 0", *(f"+{number}" for number in range(1, len(whole)))]
    head = "".join(f'<th scope="col"{"" if number == 0 else _RIGHT}>{name}</th>' for number, name in enumerate(heads))
    lines = [_average_row(answer, average, colours)]
    lines += [_cohort_row(answer, number, whole, shares, colours) for number in range(len(whole))]
    st.html(
        f'{heat_style(colours)}<div class="ms-heat-scroll" tabindex="0" role="region" aria-label="Retention by cohort">'
        f'<table class="ms-heat"><caption class="ms-heat-hide">Retention by cohort, one row per {unit}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def retention_frame(answer: RetentionAnswer, whole: list[bool]) -> pl.DataFrame:
    """One row per cell: cohort, periods later, its people, of how many, and whether the period is over."""
    rows = [
        (start, column, cell, row[0], whole[number + column])
        for number, (start, row) in enumerate(zip(answer.cohort_starts, answer.matrix, strict=True))
        for column, cell in enumerate(row)
        if cell is not None
    ]
    return pl.DataFrame(
        rows,
        schema={
            "cohort_start": pl.String,
            f"{answer.query.period}s_later": pl.Int64,
            "people": pl.Int64,
            "cohort_people": pl.Int64,
            "is_over": pl.Boolean,
        },
        orient="row",
    )


_RIGHT = ' class="r"'


def _average_row(answer: RetentionAnswer, average: list[float | None], colours: Palette) -> str:
    people = sum(row[0] or 0 for row in answer.matrix)
    cells = [f'<td class="r {"zero" if not column else ""}"{tint(share if column else None, colours)}>'
             f"{percent(share)}</td>" for column, share in enumerate(average)]  # fmt: skip
    return (
        f'<tr class="mean"><th scope="row">Weighted average</th><td class="r">{count(people)}</td>{"".join(cells)}</tr>'
    )


def _cohort_row(answer: RetentionAnswer, number: int, whole: list[bool], shares: bool, colours: Palette) -> str:
    row = answer.matrix[number]
    size = row[0] or 0
    cells = []
    for column, cell in enumerate(row):
        if cell is None:
            cells.append("<td></td>")
            continue
        share = cell / size if size else None
        over = whole[number + column]
        words = (percent(share) if shares else count(cell)) + ("" if over else MARK)
        kinds = f"r{'' if column else ' zero'}{'' if over else ' open'}"
        hover = f"{count(cell)} of {count(size)}{'' if over else ', not complete'}"
        shade = tint(share if column else None, colours)
        cells.append(f'<td class="{kinds}" title="{hover}"{shade}>{words}</td>')
    start = escape(long_day(date.fromisoformat(answer.cohort_starts[number])))
    return f'<tr><th scope="row">{start}</th><td class="r">{count(size)}</td>{"".join(cells)}</tr>'


def tint(share: float | None, colours: Palette) -> str:
    """The accent, as strong as the share; never so strong that the text on it can not be read."""
    if not share:
        return ""
    part = round(8 + 42 * min(share, 1.0))
    return f' style="background-color:color-mix(in srgb,{colours.accent} {part}%,{colours.background})"'


def heat_style(colours: Palette) -> str:
    """How every heatmap looks."""
    hatch = f"repeating-linear-gradient(135deg,transparent 0 5px,{colours.border} 5px 6px)"
    return (
        "<style>.ms-heat-scroll{overflow-x:auto}"
        f".ms-heat{{border-collapse:separate;border-spacing:2px;font-size:13px;color:{colours.text};width:100%;margin:0}}"
        f".ms-heat th{{font-weight:500;color:{colours.muted};text-align:left;padding:5px 6px 5px 4px;border:0}}"
        ".ms-heat th{white-space:nowrap}"
        ".ms-heat td{padding:5px 6px 5px 4px;border:0;border-radius:4px;white-space:nowrap}"
        ".ms-heat .r{text-align:right;font-variant-numeric:tabular-nums}"
        f".ms-heat .zero{{background:{colours.track}}}"
        # The mark stands in the padding: digits stand under digits.
        f".ms-heat .open{{background-image:{hatch};padding-right:calc(6px - .418em)}}"
        f".ms-heat .mean :is(th,td){{font-weight:600;color:{colours.text}}}"
        f"@media(max-width:760px){{.ms-heat tr>:first-child{{position:sticky;left:0;z-index:1;"
        f"background:{colours.background}}}}}"
        ".ms-heat-hide{position:absolute;left:-10000px}</style>"
    )


def finding(answer: RetentionAnswer, average: list[float | None]) -> str:
    """What the table says, as a sentence."""
    people = sum(row[0] or 0 for row in answer.matrix)
    later = average[1] if len(average) > 1 else None
    return (
        f"{count(people)} starts in {len(answer.matrix)} {answer.query.period}s; "
        f"{NONE if later is None else percent(later)} came back in the {answer.query.period} after."
    )
