"""`millstream paths`: what people did right after an event, or right before it, in the same session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.asking import Events, Maps, MoreEvents, Timezone, opened, read_document
from pipelines.cli.output import emit, table
from pipelines.errors import UsageError


def paths(
    more_events: MoreEvents = None,
    query: Annotated[Path | None, typer.Option(help="Query document (JSON).", show_default=False)] = None,
    event: Annotated[str | None, typer.Option(help="Event to start from.", show_default=False)] = None,
    direction: Annotated[str | None, typer.Option(help="next or previous.", show_default=False)] = None,
    limit: Annotated[int | None, typer.Option(help="So many links, 10 if not given.", show_default=False)] = None,
    date_from: Annotated[str | None, typer.Option("--from", help="First day that counts.", show_default=False)] = None,
    date_to: Annotated[str | None, typer.Option("--to", help="Last day that counts.", show_default=False)] = None,
    timezone: Timezone = None,
    events: Events = None,
    maps: Maps = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """What people did right after an event, or right before it. Options change what the query document says."""
    from pipelines.behaviour import parse_paths
    from pipelines.behaviour import paths as answer_paths
    from pipelines.settings import load_settings

    settings = load_settings()
    given = {
        "event": event, "direction": direction, "limit": limit,
        "date_from": date_from, "date_to": date_to, "timezone": timezone,
    }  # fmt: skip
    if query is None and event is None:
        raise UsageError("give --query FILE or --event EVENT")
    document: dict[str, Any] = {} if query is None else read_document(query)
    document |= {key: value for key, value in given.items() if value is not None}
    question = parse_paths(document, timezone=settings.reporting_timezone)
    with opened(settings, events=events, more=more_events, maps=maps, timezone=timezone) as asked:
        answer = answer_paths(asked.connection, asked.relation, question)
    if as_json:
        emit(answer.document())
        return
    base = answer.sessions
    rows = [
        *((link.source, link.target, link.sessions) for link in answer.links),
        *([("other", f"{answer.other.events:,} events", answer.other.sessions)] if answer.other.events else []),
        (*(("nothing before", question.event) if question.direction == "previous" else (question.event, "nothing")),
         answer.none),
    ]  # fmt: skip
    table(
        ("from", "to", "sessions", "share"),
        [(start, end, f"{sessions:,}", f"{sessions / base:.1%}" if base else None) for start, end, sessions in rows],
        numbers=(2, 3),
    )
    print(f"{base:,} session(s) with {question.event}; one that had it more than once can stand in several rows.")
