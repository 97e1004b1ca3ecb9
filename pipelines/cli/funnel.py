"""`millstream funnel`: how far people come along a row of steps, from the snapshot or from event files.

`millstream retention`, the other question of this group, has its own module.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.asking import Asked, Events, Maps, MoreEvents, Timezone, opened, read_document
from pipelines.cli.output import emit, table
from pipelines.cli.retention import retention
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.behaviour import FunnelAnswer, TrendsAnswer

_UNITS = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month"}
_SIZES = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command("funnel")(funnel)
    app.command("retention")(retention)


def funnel(
    more_events: MoreEvents = None,
    query: Annotated[Path | None, typer.Option(help="Query document (JSON).", show_default=False)] = None,
    step: Annotated[
        list[str] | None,
        typer.Option(help="Event of a step, in order; give it once per step.", show_default=False),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(help="14d, 36h, 30min, 45s, 2w, 1mo or none; 14d if not given.", show_default=False),
    ] = None,
    order: Annotated[str | None, typer.Option(help="ordered, strict or unordered.", show_default=False)] = None,
    date_from: Annotated[str | None, typer.Option("--from", help="First day that counts.", show_default=False)] = None,
    date_to: Annotated[str | None, typer.Option("--to", help="Last day that counts.", show_default=False)] = None,
    timezone: Timezone = None,
    events: Events = None,
    maps: Maps = None,
    users: Annotated[bool, typer.Option("--users", help="List the ids of the people of every step.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """How far people come along a row of steps. Options change what the query document says."""
    from pipelines.behaviour import funnel as answer_funnel
    from pipelines.behaviour import funnel_trends, parse_funnel
    from pipelines.settings import load_settings

    settings = load_settings()
    given = {"order": order, "date_from": date_from, "date_to": date_to, "timezone": timezone}
    document = _document(query, step or []) | {key: value for key, value in given.items() if value is not None}
    if window is not None:
        document["window"] = _window(window)
    question = parse_funnel(document, timezone=settings.reporting_timezone)
    over_time = question.kind == "funnel_trends"
    if users and over_time:
        raise UsageError("--users lists people by step; kind funnel_trends counts by period")
    with opened(settings, events=events, more=more_events, maps=maps, timezone=timezone) as asked:
        if over_time:
            _show_trends(funnel_trends(asked.connection, asked.relation, question), asked, as_json)
        else:
            _show_steps(answer_funnel(asked.connection, asked.relation, question, users=users), as_json)


def _document(query: Path | None, steps: list[str]) -> dict[str, Any]:
    if (query is None) == (not steps):
        raise UsageError("give either --query FILE or two and more --step EVENT")
    return {"steps": [{"event": step} for step in steps]} if query is None else read_document(query)


def _window(text: str) -> dict[str, Any] | None:
    if text == "none":
        return None
    found = re.fullmatch(r"(\d{1,9})([a-z]+)", text)
    if found is None or found[2] not in _UNITS:
        raise UsageError(f"--window {text}: write a number and a unit ({', '.join(_UNITS)}) like 14d, or none")
    return {"value": int(found[1]), "unit": _UNITS[found[2]]}


def _show_steps(answer: FunnelAnswer, as_json: bool) -> None:
    if as_json:
        emit(answer.document())
        return
    unordered = answer.query.order == "unordered"
    rows = [
        (
            step.step,
            f"any {step.step + 1} of the steps" if unordered else step.event or "any event",
            f"{step.users:,}",
            _percent(step.conversion_from_start),
            _percent(step.conversion_from_previous),
            _duration(step.median_conversion_seconds),
        )
        for step in answer.steps
    ]
    headings = ("step", "event", "users", "from start", "from previous", "median time")
    table(headings, rows, numbers=(0, 2, 3, 4, 5))
    for step in answer.steps:
        if step.user_ids is not None:
            print(f"step {step.step}: {', '.join(step.user_ids) or '–'}")


def _show_trends(answer: TrendsAnswer, asked: Asked, as_json: bool) -> None:
    if as_json:
        emit(answer.document(asked.known_until()))
        return
    rows = [
        (
            period.period_start,
            f"{period.entered:,}",
            f"{period.converted:,}",
            f"{period.conversion_rate:.1f}%",
        )
        for period in answer.periods
    ]
    table(("period", "entered", "converted", "rate"), rows, numbers=(1, 2, 3))


def _percent(ratio: float | None) -> str | None:
    return None if ratio is None else f"{ratio:.1%}"


def _duration(seconds: float | None) -> str | None:
    """Two units at most: `1 d 4 h`, `12 min 5 s`."""
    if seconds is None:
        return None
    if seconds < 60:
        return f"{seconds:.3g} s"
    rest = round(seconds)
    parts: list[str] = []
    for unit, size in _SIZES:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)
