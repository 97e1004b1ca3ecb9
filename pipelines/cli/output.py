"""How every command prints: one JSON document on stdout with --json, else lines for people.

Progress and notes go to stderr, so that stdout can be piped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table

from pipelines.plain import json_text


def emit(document: Mapping[str, object]) -> None:
    """Print exactly one JSON document on stdout."""
    print(json_text(document))


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
