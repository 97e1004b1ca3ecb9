"""How far a new data folder has come: what is connected, loaded and published."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.landing import Landing
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot


@dataclass(frozen=True)
class Progress:
    """The three steps to a first page."""

    has_payments: bool
    has_events: bool
    is_published: bool


def progress(settings: Settings, snapshot: Snapshot | None) -> Progress:
    """Look at the landing zone's manifest and at the pointer."""
    landing = Landing(settings.landing_dir)
    return Progress(
        has_payments=bool(landing.segments("stripe")),
        has_events=bool(landing.segments("events")),
        is_published=snapshot is not None,
    )


def rows(snapshot: Snapshot | None, table: str) -> int:
    """Rows of a published table; 0 where it is not published."""
    found = snapshot.manifest.tables.get(table) if snapshot else None
    return found.rows if found else 0
