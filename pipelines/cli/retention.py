"""`millstream retention`: who comes back, period after period."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.asking import Events, Maps, MoreEvents, Timezone, opened, read_document
from pipelines.cli.output import emit, table


def retention(
    query: Annotated[Path, typer.Option(help="Query document (JSON).", show_default=False)],
    more_events: MoreEvents = None,
    timezone: Timezone = None,
    events: Events = None,
    maps: Maps = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Who comes back: cohorts by period, and how many of each return in the periods after."""
    from pipelines.behaviour import parse_retention
    from pipelines.behaviour import retention as answer_retention
    from pipelines.settings import load_settings

    settings = load_settings()
    document = read_document(query) | ({} if timezone is None else {"timezone": timezone})
    question = parse_retention(document, timezone=settings.reporting_timezone)
    source = opened(settings, events=events, more=more_events, maps=maps, timezone=timezone)
    with source as asked:
        answer = answer_retention(asked.connection, asked.relation, question)
        known_until = asked.known_until()
    if as_json:
        emit(answer.document(known_until))
        return
    later = range(question.intervals)
    rows = zip(answer.cohort_starts, answer.matrix, strict=True)
    table(
        (question.period, *(f"+{number}" for number in later)),
        [(start, *("" if count is None else f"{count:,}" for count in row)) for start, row in rows],
        numbers=[number + 1 for number in later],
    )
