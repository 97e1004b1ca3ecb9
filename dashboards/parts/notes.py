"""Small print that keeps sums honest."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.charts.palette import Palette
from dashboards.parts.words import small


def not_added(currencies: Sequence[str], why: str, colours: Palette) -> None:
    """Name the currencies that are not in a sum; nothing where all are."""
    if currencies:
        small(f"Not in these sums: {', '.join(currencies)} ({why}).", colours)
