"""`millstream funnel`: how far people come along a row of steps, from the snapshot or from event files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.ingest import parse_maps
from pipelines.cli.output import emit, table
from pipelines.errors import MillstreamError, UsageError

if TYPE_CHECKING:
    from pipelines.behaviour import FunnelAnswer
    from pipelines.settings import Settings
    from pipelines.warehouse.writer import Connection

_UNITS = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month"}


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("funnel")(funnel)


def funnel(
    more_events: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Further files for --events.", show_default=False),
    ] = None,
    query: Annotated[Path | None, typer.Option(help="Query document (JSON).", show_default=False)] = None,
    step: Annotated[
        list[str] | None,
        typer.Option(help="Event of a step, in order; give it once per step.", show_default=False),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(help="14d, 36h, 30min, 45s, 2w, 1mo or none; 14d if not given.", show_default=False),
    ] = None,
    order: Annotated[
        str | None, typer.Option(help="ordered, strict or unordered.", show_default=False)
    ] = None,
    date_from: Annotated[
        str | None, typer.Option("--from", help="First day that counts.", show_default=False)
    ] = None,
    date_to: Annotated[
        str | None, typer.Option("--to", help="Last day that counts.", show_default=False)
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            help="Zone of the days, and of times without a zone in event files.", show_default=False
        ),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(help="Answer from event files; no snapshot is needed.", show_default=False),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="FIELD=COLUMN", help="What the files call a field.", show_default=False
        ),
    ] = None,
    users: Annotated[bool, typer.Option("--users", help="List the ids of the people of every step.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """How far people come along a row of steps. Options change what the query document says."""
    from pipelines.behaviour import funnel as answer_funnel
    from pipelines.behaviour import parse_funnel
    from pipelines.settings import load_settings

    settings = load_settings()
    given = {"order": order, "date_from": date_from, "date_to": date_to, "timezone": timezone}
    document = _document(query, step or [])
    document |= {key: value for key, value in given.items() if value is not None}
    if window is not None:
        document["window"] = _window(window)
    question = parse_funnel(document, timezone=settings.reporting_timezone)
    files = [*(events or []), *(more_events or [])]
    if not events and (more_events or mapping):
        raise UsageError(
            "files and --map belong to --events: millstream funnel --step A --step B --events FILE..."
        )
    source = _files(files, parse_maps(mapping), timezone or "UTC") if events else _snapshot(settings)
    with source as (connection, relation):
        answer = answer_funnel(connection, relation, question, users=users)
    if as_json:
        emit(answer.document())
    else:
        _print(answer)


def _document(query: Path | None, steps: list[str]) -> dict[str, Any]:
    import orjson

    if (query is None) == (not steps):
        raise UsageError("give either --query FILE or two and more --step EVENT")
    if query is None:
        return {"steps": [{"event": step} for step in steps]}
    try:
        document = orjson.loads(query.read_bytes())
    except OSError as problem:
        raise UsageError(f"--query {query}: {problem.strerror}") from None
    except orjson.JSONDecodeError as problem:
        raise UsageError(f"--query {query}: no valid JSON ({problem.msg}, line {problem.lineno})") from None
    if not isinstance(document, dict):
        raise UsageError(f"--query {query}: a query document is one JSON object")
    return document


def _window(text: str) -> dict[str, Any] | None:
    if text == "none":
        return None
    found = re.fullmatch(r"(\d{1,9})([a-z]+)", text)
    if found is None or found[2] not in _UNITS:
        raise UsageError(
            f"--window {text}: write a number and a unit ({', '.join(_UNITS)}) like 14d, or none"
        )
    return {"value": int(found[1]), "unit": _UNITS[found[2]]}


@contextmanager
def _files(paths: list[str], mapping: dict[str, str], timezone: str) -> Iterator[tuple[Connection, str]]:
    from pipelines.events import open_files

    with open_files(paths, mapping=mapping, timezone=timezone) as connection:
        yield connection, "events"


@contextmanager
def _snapshot(settings: Settings) -> Iterator[tuple[Connection, str]]:
    from pipelines.warehouse import SnapshotReader

    snapshot = SnapshotReader(settings.published_dir).current()
    if snapshot is None or not snapshot.has("marts.fct_events"):
        raise MillstreamError(
            "no events have been published yet. Load some (`millstream ingest events PATH`) and run "
            "`millstream run`, or ask files at once with --events PATH."
        )
    cursor = snapshot.cursor()
    try:
        yield cursor, "marts.fct_events"
    finally:
        cursor.close()


def _print(answer: FunnelAnswer) -> None:
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


def _percent(ratio: float | None) -> str | None:
    return None if ratio is None else f"{ratio:.1%}"


def _duration(seconds: float | None) -> str | None:
    """Two units at most: `1 d 4 h`, `12 min 5 s`."""
    if seconds is None:
        return None
    if seconds < 60:
        return f"{seconds:.3g} s"
    sizes = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    rest = round(seconds)
    parts: list[str] = []
    for unit, size in sizes:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)
