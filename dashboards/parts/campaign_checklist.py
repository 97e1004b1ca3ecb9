"""What hinders a campaign and what is unwise about it, as `millstream campaign preview` tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboards.parts.table import Badge, Row, table
from dashboards.parts.words import small
from dashboards.view import View


def checklist(findings: Sequence[Mapping[str, str]], view: View) -> None:
    """Draw every finding with its place, those that block the approval first."""
    if not findings:
        small("Links, picture texts, size, sender and the words around the mail: nothing to mend.", view.colours)
        return
    rows: list[Row] = [
        (
            Badge(finding["level"], "bad" if finding["level"] == "blocks" else "warning"),
            finding["place"],
            finding["message"],
        )
        for finding in findings
    ]
    table(("What it does", "Where", "What"), rows, prose=("What",), caption="Checklist", colours=view.colours)
