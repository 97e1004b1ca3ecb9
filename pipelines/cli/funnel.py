"""`millstream funnel`: how far people come along a row of steps, from the snapshot or from event files.

The other questions of this group, `retention`, `trends` and `paths`, have modules of their own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from pipelines.cli.asking import Events, Maps, MoreEvents, Timezone, opened, read_document
from pipelines.cli.output import emit, table
from pipelines.cli.paths import paths
from pipelines.cli.retention import retention
from pipelines.cli.trends import trends
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.behaviour import (
        Asked,
        ConversionAnswer,
        ConversionPart,
        FunnelAnswer,
        FunnelQuery,
        FunnelStep,
        TrendPeriod,
        TrendsAnswer,
    )
    from pipelines.settings import Settings

_UNITS = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month"}
_SIZES = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command("funnel")(funnel)
    app.command("retention")(retention)
    app.command("trends")(trends)
    app.command("paths")(paths)


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
    breakdown: Annotated[
        str | None, typer.Option(metavar="PROP", help="Split by a property of the events.", show_default=False)
    ] = None,
    events: Events = None,
    maps: Maps = None,
    users: Annotated[bool, typer.Option("--users", help="List the ids of the people of every step.")] = False,
    save_segment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Save the people of --reached or --dropped as a segment.", show_default=False
        ),
    ] = None,
    reached: Annotated[
        int | None, typer.Option(metavar="STEP", help="Those who reached this step (from 0).", show_default=False)
    ] = None,
    dropped: Annotated[
        int | None,
        typer.Option(metavar="STEP", help="Those who got to the step before it and not to it.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """How far people come along a row of steps. Options change what the query document says."""
    from pipelines.behaviour import check_users, parse_funnel
    from pipelines.settings import load_settings

    settings = load_settings()
    given = {"order": order, "date_from": date_from, "date_to": date_to, "timezone": timezone}
    document = _document(query, step or []) | {key: value for key, value in given.items() if value is not None}
    if window is not None:
        document["window"] = _window(window)
    if breakdown is not None:
        document["breakdown"] = {"property": breakdown}
    question = parse_funnel(document, timezone=settings.reporting_timezone)
    check_users(question, users)
    if (save_segment, reached, dropped) != (None, None, None):
        if events:
            raise UsageError("--save-segment keeps people of the published data; ask without --events")
        people = _people_to_save(question, save_segment, reached, dropped)
        _save(settings, question, people, as_json)
        return
    with opened(settings, events=events, more=more_events, maps=maps, timezone=timezone) as asked:
        _answer(question, asked, users, as_json)


def _answer(question: FunnelQuery, asked: Asked, users: bool, as_json: bool) -> None:
    from pipelines.behaviour import ConversionAnswer, TrendsAnswer, funnel_document, funnel_of_kind

    answer = funnel_of_kind(asked, question, users=users)
    if as_json:
        emit(funnel_document(asked, answer))
    elif isinstance(answer, TrendsAnswer):
        _show_trends(answer)
    elif isinstance(answer, ConversionAnswer):
        _show_times(answer)
    else:
        _show_steps(answer)


class _People(NamedTuple):
    """Whom to save, and under which name."""

    segment: str
    step: int
    dropped: bool


def _people_to_save(question: FunnelQuery, name: str | None, reached: int | None, dropped: int | None) -> _People:
    if name is None or (reached is None) == (dropped is None):
        raise UsageError("write --save-segment NAME with either --reached STEP or --dropped STEP")
    if question.aggregate_by != "user":
        raise UsageError(f"--save-segment keeps people, and this question counts by {question.aggregate_by}")
    step, first = (reached, 0) if reached is not None else (dropped or 0, 1)
    if not first <= step < len(question.steps):
        raise UsageError(
            f"--{'reached' if reached is not None else 'dropped'} {step}: write {first} to {len(question.steps) - 1}"
        )
    return _People(name, step, dropped is not None)


def _save(settings: Settings, question: FunnelQuery, people: _People, as_json: bool) -> None:
    from pipelines.behaviour import people_at_step
    from pipelines.cli.segment import published
    from pipelines.segments import known_people, listed_segment, save
    from pipelines.state import open_state

    snapshot = published(settings)
    with opened(settings, events=None, more=None, maps=None, timezone=None) as asked:
        found = people_at_step(asked.connection, asked.relation, question, people.step, dropped=people.dropped)
    what = f"{'dropped before' if people.dropped else 'reached'} step {people.step} of a funnel"
    known = known_people(snapshot, found)
    document = listed_segment(people.segment, f"{what}, as of {snapshot.as_of:%Y-%m-%d %H:%M} UTC", known)
    zone, engine = settings.reporting_timezone, open_state(settings)
    changed = save(engine, document, settings.now(), snapshot=snapshot, timezone=zone)
    if as_json:
        emit({"name": document.name, "changed": changed, "people": len(found), "size": len(known)})
    else:
        done = "saved" if changed else "is unchanged"
        print(f"segment {document.name} {done}: {len(known):,} of {len(found):,} people are known.")


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


def _show_steps(answer: FunnelAnswer) -> None:
    revenue = bool(answer.query.revenue_steps)
    headings = ("step", "event", "users", "from start", "from previous", "median time", *["revenue"][: int(revenue)])
    rows = [_step_row(step, answer.query, revenue) for step in answer.steps]
    table(headings, rows, numbers=(0, 2, 3, 4, 5, 6))
    for part in answer.breakdown or []:
        print(_heading(answer.query, part.value))
        table(headings, [_step_row(step, answer.query, revenue) for step in part.steps], numbers=(0, 2, 3, 4, 5, 6))
    for step in answer.steps:
        if step.user_ids is not None:
            print(f"step {step.step}: {', '.join(step.user_ids) or '–'}")


def _step_row(step: FunnelStep, query: FunnelQuery, revenue: bool) -> tuple[object, ...]:
    from pipelines.money import format_money

    count = query.count_of(step.step)
    name = step.event or "any event" if count is None else f"any {count} of the steps"
    money = None if step.revenue is None else ", ".join(format_money(r.amount_minor, r.currency) for r in step.revenue)
    row = (
        step.step,
        f"{name} (optional)" if query.steps[step.step].optional else name,
        f"{step.users:,}",
        _percent(step.conversion_from_start),
        _percent(step.conversion_from_previous),
        _duration(step.median_conversion_seconds),
    )
    return (*row, money) if revenue else row


def _show_times(answer: ConversionAnswer) -> None:
    _show_bins(answer)
    for part in answer.breakdown or []:
        print(_heading(answer.query, part.value))
        _show_bins(part)


def _show_bins(times: ConversionAnswer | ConversionPart) -> None:
    rows = [(f"from {_duration(start) or '0 s'}", f"{people:,}") for start, people in times.bins]
    table(("time", "users"), rows, numbers=(1,))
    print(f"average {_duration(times.average_seconds) or '–'}, median {_duration(times.median_seconds) or '–'}")


def _show_trends(answer: TrendsAnswer) -> None:
    _show_periods(answer.periods)
    for part in answer.breakdown or []:
        print(_heading(answer.query, part.value))
        _show_periods(part.periods)


def _show_periods(periods: list[TrendPeriod]) -> None:
    rows = [
        (
            period.period_start,
            f"{period.entered:,}",
            f"{period.converted:,}",
            f"{period.conversion_rate:.1f}%",
        )
        for period in periods
    ]
    table(("period", "entered", "converted", "rate"), rows, numbers=(1, 2, 3))


def _heading(query: FunnelQuery, value: str | None) -> str:
    name = query.breakdown.property if query.breakdown else ""
    return f"\n{name}: {'–' if value is None else value}"


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
