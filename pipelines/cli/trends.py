"""`millstream trends`: how often something happened, period by period, from the snapshot or from event files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.asking import Events, Maps, MoreEvents, Timezone, opened, read_document
from pipelines.cli.output import emit, table
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.behaviour import EventTrendsAnswer, Line


def trends(
    more_events: MoreEvents = None,
    query: Annotated[Path | None, typer.Option(help="Query document (JSON).", show_default=False)] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(help="Event to count; each --event is a series: A, B, C.", show_default=False),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            help="total, unique, per_user; of --property: sum, average, min, max, median, p90.", show_default=False
        ),
    ] = None,
    of: Annotated[
        str | None, typer.Option("--property", help="Property whose numbers are measured.", show_default=False)
    ] = None,
    formula: Annotated[str | None, typer.Option(help="Of the series, such as 'A / B'.", show_default=False)] = None,
    breakdown: Annotated[
        str | None, typer.Option(help="Property whose most common values are lines.", show_default=False)
    ] = None,
    interval: Annotated[str | None, typer.Option(help="hour, day, week or month.", show_default=False)] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Beside the periods right before.")] = False,
    date_from: Annotated[str | None, typer.Option("--from", help="First day that counts.", show_default=False)] = None,
    date_to: Annotated[str | None, typer.Option("--to", help="Last day that counts.", show_default=False)] = None,
    timezone: Timezone = None,
    events: Events = None,
    maps: Maps = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """How often something happened, period by period. Options change what the query document says."""
    from pipelines.behaviour import event_trends, parse_trends
    from pipelines.settings import load_settings

    settings = load_settings()
    given = {
        "formula": formula, "breakdown": breakdown, "interval": interval, "compare": compare or None,
        "date_from": date_from, "date_to": date_to, "timezone": timezone,
    }  # fmt: skip
    document = _document(query, event or [], {"measure": measure, "property": of})
    document |= {key: value for key, value in given.items() if value is not None}
    question = parse_trends(document, timezone=settings.reporting_timezone)
    with opened(settings, events=events, more=more_events, maps=maps, timezone=timezone) as asked:
        answer = event_trends(asked.connection, asked.relation, question)
        known_until = asked.known_until()
    if as_json:
        emit(answer.document(known_until))
    else:
        _show(answer, answer.complete(known_until))


def _document(query: Path | None, events: list[str], given: dict[str, str | None]) -> dict[str, Any]:
    series = {key: value for key, value in given.items() if value is not None}
    if (query is None) == (not events):
        raise UsageError("give either --query FILE or one and more --event EVENT")
    if query is None:
        return {"series": [{"event": event, **series} for event in events]}
    if series:
        raise UsageError("--measure and --property belong to --event; in a query document each series has its own")
    return read_document(query)


def _show(answer: EventTrendsAnswer, complete: list[bool]) -> None:
    """A row per period, a column per line, the whole stretch last."""
    headings, columns = ["period"], []
    for line in answer.lines:
        headings.append(line.name)
        columns.append(_column(line))
        if line.previous is not None:
            headings.append("before")
            columns.append(_numbers(line, (*line.previous, line.previous_overall)))
    labels = [
        period + ("" if whole else " (not complete)") for period, whole in zip(answer.periods, complete, strict=True)
    ]
    table(headings, zip([*labels, "overall"], *columns, strict=True), numbers=range(1, len(headings)))


def _column(line: Line) -> list[str | None]:
    return _numbers(line, (*line.values, line.overall))


def _numbers(line: Line, values: Iterable[float | None]) -> list[str | None]:
    # What a formula makes of amounts may be none.
    currency = line.currency if line.letter is not None else None
    return [_number(value, currency) for value in values]


def _number(value: float | None, currency: str | None) -> str | None:
    from pipelines.money import format_money

    if value is None:
        return None
    if currency is not None:
        return format_money(round(value), currency)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}".rstrip("0").rstrip(".")
