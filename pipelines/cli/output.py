"""How every command prints: one JSON document on stdout with --json, else lines for people.

Progress and notes go to stderr, so that stdout can be piped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table


def emit(document: Mapping[str, object]) -> None:
    """Print exactly one JSON document on stdout."""
    print(json.dumps(document, default=_plain, ensure_ascii=False))


def note(line: str) -> None:
    """A line of progress on stderr."""
    print(line, file=sys.stderr, flush=True)


def table(headings: Iterable[str], rows: Iterable[Iterable[object]], *, numbers: Iterable[int] = ()) -> None:
    """Print a table for people; `numbers` are the positions of right-aligned columns."""
    right = set(numbers)
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for position, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if position in right else "left")
    for row in rows:
        grid.add_row(*("–" if cell is None else str(cell) for cell in row))
    # Into a file or a pipe a table is as wide as it needs to be: a cut number would be a wrong one.
    Console(width=None if sys.stdout.isatty() else 1000, highlight=False).print(grid)


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
