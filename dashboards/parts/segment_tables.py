"""The list of segments, and what one rule finds."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import quote

import streamlit as st

from dashboards.parts.campaign_words import plain
from dashboards.parts.numbers import NONE, count, percent
from dashboards.parts.table import Link, Row, table
from dashboards.parts.times import stamp
from dashboards.parts.words import small
from dashboards.view import View


def segment_list(rows: Sequence[dict[str, Any]], view: View) -> None:
    """One row per saved segment; its name opens it in the builder."""
    headers = ("Segment", "People", "Used by", "Description", "Changed")
    lines: list[Row] = [
        (
            segment_link(row["name"]),
            count(row["members"]),
            ", ".join([*row["campaigns"], *(f"segment {name}" for name in row["segments"])]) or NONE,
            row["description"] or NONE,
            stamp(row["updated_at"], view.zone),
        )
        for row in rows
    ]
    table(
        headers,
        lines,
        numbers=("People", "Changed"),
        whole=("Segment",),
        prose=("Used by", "Description"),
        caption="Segments",
        colours=view.colours,
    )
    small("People as the last run wrote them down.", view.colours)


def segment_link(name: str) -> Link:
    """A link that opens this segment in the builder."""
    return Link(name, f"segments?segment={quote(name, safe='')}")


def guessed(size: int, people: int, view: View) -> None:
    """About how many fit, until the exact number is there."""
    share = percent(min(1.0, size / people)) if people else NONE
    _tiles((("People", f"≈ {size:,}"), ("Share of all", f"≈ {share}"), ("May be mailed", "…")), view)


def figures(answer: dict[str, Any], view: View) -> None:
    """How many fit, their share of all, and how many of them may be mailed."""
    size, people = answer["size"], answer["people"]
    shown = (
        ("People", count(size)),
        ("Share of all", percent(size / people) if people else NONE),
        ("May be mailed", count(answer["mailable"])),
    )
    _tiles(shown, view)
    if why := answer["not_mailable"]:
        told = ", ".join(f"{plain(reason)} {count(number)}" for reason, number in why.items())
        small(f"Not mailed: {told}.", view.colours)


def losses(answer: dict[str, Any], view: View) -> None:
    """How many each rule leaves and loses, in the order of the rule."""
    lines: list[Row] = [(row["words"], count(row["left"]), count(row["lost"])) for row in answer["loss_by_rule"]]
    table(("Rule", "Left", "Lost"), lines, numbers=("Left", "Lost"), caption="Loss by rule", colours=view.colours)


def overlaps(answer: dict[str, Any], view: View) -> None:
    """A matrix: how many people are in the segment of the row and in that of the column."""
    sizes = {row["segment"]: row["size"] for row in answer["segments"]}
    both = {frozenset([pair["first"], pair["second"]]): pair["both"] for pair in answer["pairs"]}
    lines: list[Row] = [
        (
            row,
            *(_share(sizes[row] if row == column else both[frozenset([row, column])], sizes[row]) for column in sizes),
        )
        for row in sizes
    ]
    names = list(sizes)
    table(("In", *names), lines, numbers=names, whole=("In",), caption="Overlap of segments", colours=view.colours)
    small(
        f"People who are in both, and their share of the row's segment. {count(answer['in_all'])} are in all of them, "
        f"{count(answer['in_any'])} in any.",
        view.colours,
    )


def _share(both: int, size: int) -> str:
    return f"{both:,} ({percent(both / size)})" if size else f"{both:,}"


def _tiles(shown: Sequence[tuple[str, str]], view: View) -> None:
    colours = view.colours
    tiles = "".join(
        f'<div><div style="font-size:13px;color:{colours.muted}">{escape(name)}</div>'
        f'<div data-figure="{escape(name)}" style="font-size:25px;font-weight:600;font-variant-numeric:tabular-nums;'
        f'color:{colours.text}">{escape(value)}</div></div>'
        for name, value in shown
    )
    st.html(f'<div role="status" style="display:flex;gap:8px 24px;flex-wrap:wrap">{tiles}</div>')
