"""`rebuild`: everything derived, made again from the landing zone and the state store."""

from __future__ import annotations

from datetime import datetime

from pipelines import events, rates, stripe
from pipelines.delivery import feedback
from pipelines.operations.build import Progress, build
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse


def rebuild(settings: Settings, *, now: datetime, progress: Progress = lambda line: None) -> int:
    """Drop the warehouse, load what was landed, build and publish; returns the snapshot's number.

    Published snapshots stay until the new one is out. A crash leaves a partly loaded warehouse,
    which the next load completes.
    """
    warehouse = Warehouse(settings)
    with warehouse.hold("millstream rebuild"):
        for path in (settings.warehouse_path, settings.warehouse_path.with_suffix(".duckdb.wal")):
            path.unlink(missing_ok=True)
        with warehouse.write("millstream rebuild") as connection:
            stripe.load_landed(connection, settings, now=now)
            progress("rebuild: Stripe objects loaded from the landing zone")
            events.load_landed(connection, settings, now=now)
            progress("rebuild: events loaded from the landing zone")
            feedback.load_landed(connection, settings, now=now)
            progress("rebuild: e-mail events loaded from the landing zone")
            rates.load_landed(connection, settings, now=now)
            progress("rebuild: exchange rates loaded from the landing zone")
        return build(settings, now=now, progress=progress)
