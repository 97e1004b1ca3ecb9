"""What changed: the largest MRR movements of the last 30 days, each leading to its customer."""

from __future__ import annotations

from datetime import date

from dashboards.parts.empty import nothing_here
from dashboards.parts.revenue_tables import mover_row
from dashboards.parts.table import table
from dashboards.queries.movements import largest_movers
from dashboards.view import View
from pipelines.warehouse import Snapshot


def what_changed(view: View, snapshot: Snapshot, last_day: date) -> None:
    """Up to five movements, the largest first, up or down."""
    found = largest_movers(snapshot, last_day=last_day, currency=view.currency)
    if not found:
        nothing_here("No customer's MRR changed in the last 30 days.")
        return
    table(
        ("Customer", "Day", "Movement", "Amount"),
        [mover_row(mover) for mover in found],
        numbers=("Amount",),
        whole=("Day",),
        caption="The largest MRR movements of the last 30 days",
        colours=view.colours,
    )
