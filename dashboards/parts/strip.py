"""One line that tells whether the figures can be trusted: build, checks, sources."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboards.charts.palette import Palette
from dashboards.parts.times import ago
from dashboards.queries.health import checks, recent_builds, sources
from dashboards.view import View


def health_strip(view: View, *, is_own_page: bool = False) -> None:
    """Last build, failing checks, last load; each with a word beside its dot.

    Its name leads to the page of data health; on that page the title has said it already.
    """
    facts = [_build_fact(view)]
    if view.snapshot is not None:
        results = checks(view.snapshot)
        failing = results.filter(~results["is_passed"]).height if results.height else 0
        good = f"{results.height} checks passed" if results.height else "no checks stored"
        facts.append((not failing, f"{failing} of {results.height} checks failing" if failing else good))
        found = sources(view.snapshot)
        for source, loaded in (
            zip(*(found[name] for name in ("source", "last_loaded_at")), strict=True) if found.height else ()
        ):
            words = "never loaded" if loaded is None else f"loaded {ago(loaded, view.now)}"
            facts.append((loaded is not None, f"{source}: {words}"))
    st.html(_strip(facts, view.colours, "" if is_own_page else _name(view.colours)))


def _strip(facts: list[tuple[bool, str]], colours: Palette, name: str) -> str:
    marks = {True: ("✓", colours.good), False: ("!", colours.warning)}
    items = "".join(
        f'<span style="white-space:nowrap"><span aria-hidden="true" style="color:{marks[good][1]};'
        f'font-weight:700">{marks[good][0]}</span> {escape(words)}</span>'
        for good, words in facts
    )
    box = f"border:1px solid {colours.border};border-radius:8px;padding:9px 14px;color:{colours.text}"
    return f'<div style="display:flex;flex-wrap:wrap;gap:6px 22px;font-size:13.5px;{box}">{name}{items}</div>'


def _name(colours: Palette) -> str:
    return f'<a href="data_health" target="_self" style="color:{colours.accent};font-weight:600">Data health</a>'


def _build_fact(view: View) -> tuple[bool, str]:
    builds = recent_builds(view.settings, limit=1)
    if not builds:
        if view.snapshot is None:
            return False, "no build yet"
        return True, f"snapshot {view.snapshot.number} published {ago(view.snapshot.published_at, view.now)}"
    newest = builds[0]
    when = ago(newest.finished_at or newest.started_at, view.now)
    words = {
        "published": "last build published",
        "failed": "last build failed",
        "running": "a build is running, started",
    }
    return newest.outcome != "failed", f"{words.get(newest.outcome, newest.outcome)} {when}"
