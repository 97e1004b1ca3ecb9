"""The command line's answers over one folder, and what the expectations of several pages are made with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from dashboards.parts.money import major, money
from dashboards.parts.numbers import percent
from pipelines.cli import invoke
from tests.building import environment

Row = dict[str, Any]
LAST = "2026-11-23"
KINDS = ("new", "expansion", "reactivation", "contraction", "churn")
PAGE = 25


class Ask:
    """Ask a command with --json; the same question is asked once, as its answer does not change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "MILLSTREAM_DATA_DIR": str(folder),
            "MILLSTREAM_CONSENT": "customers",
            "MILLSTREAM_POSTAL_ADDRESS": "1 Example Street, 10115 Berlin",
        }
        self._told: dict[str, Row] = {}

    def __call__(self, *arguments: str, query: Row | None = None) -> Row:
        key = repr((arguments, query))
        if key not in self._told:
            with NamedTemporaryFile("w", suffix=".json") as file:
                file.write(json.dumps(query))
                file.flush()
                asked = [*arguments, *(["--query", file.name] if query else [])]
                with redirect_stdout(StringIO()) as out, environment(**self.environment):
                    assert invoke([*asked, "--json"]) == 0, arguments
            self._told[key] = json.loads(out.getvalue())
        return self._told[key]

    def rows(self, *arguments: str) -> list[Row]:
        """The rows of a revenue report."""
        found: list[Row] = self("revenue", *arguments)["rows"]
        return found

    def everybody(self) -> dict[str, Row]:
        """All people of the customers' list, by id."""
        found = self("customer", "list", "--limit", "1000")
        rest = range(2, -(-found["total"] // 1000) + 1)
        lists = [found, *(self("customer", "list", "--limit", "1000", "--page", str(page)) for page in rest)]
        return {row["person_id"]: row for one in lists for row in one["rows"]}


def pages(total: int, size: int = PAGE) -> Iterator[str]:
    """The page numbers above a list, where it has several pages."""
    if total > size:
        yield f"pages: {-(-total // size)}"


def people(ask: Ask, ids: list[str]) -> Iterator[str]:
    """The first page of a list of people: name, address, plan, MRR; then how many nobody knows."""
    known, shown = ask.everybody(), ids[:PAGE]
    yield from pages(len(ids))
    for person in shown:
        if row := known.get(person):
            yield row["name"] or row["person_id"]
            yield row["email"] or "–"
            yield row["plan"] or "–"
            yield mrr_of(row)
    if missing := sum(person not in known for person in shown):
        yield f"{missing} of them are visitors"


def mrr_of(row: Row) -> str:
    """A person's MRR in its own currency."""
    return money(row["mrr_minor"], row["mrr_currency"]) if row["mrr_currency"] else "–"


def amount(minor: int, currency: str = "USD") -> float:
    """Minor units as a picture has them."""
    return float(major(minor, currency))


def share(part: int, base: int) -> str:
    """A share in per cent; a dash without a base."""
    return percent(part / base if base else None)
