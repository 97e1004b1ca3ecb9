"""What one rerun of a page looks at: settings, one snapshot, who is here, which theme.

The snapshot is taken once per rerun, so that all numbers of a page come from the same publish;
queries get it as an argument and are cached under its identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import streamlit as st

from dashboards.access import Person, current_person
from dashboards.charts.palette import Palette, palette
from pipelines.revenue.summary import last_whole_day
from pipelines.settings import Settings, load_settings
from pipelines.warehouse import Snapshot, SnapshotReader

_KEY = "view"


@dataclass(frozen=True)
class View:
    """Everything that a page needs to know before it asks its first question."""

    settings: Settings
    person: Person
    snapshot: Snapshot | None
    colours: Palette

    @property
    def zone(self) -> str:
        """The reporting time zone's name."""
        return self.settings.reporting_timezone

    @property
    def currency(self) -> str:
        """The reporting currency."""
        return self.settings.reporting_currency

    @property
    def now(self) -> datetime:
        """This moment (UTC); in a demo folder, the end of its story."""
        return self.settings.now()

    def last_day(self, snapshot: Snapshot) -> date:
        """The last day that is over at the snapshot's moment, in the reporting zone."""
        return last_whole_day(snapshot, self.zone)

    def begun_day(self, snapshot: Snapshot) -> date | None:
        """The day that has begun and is not over at the snapshot's moment; None at its midnight."""
        local = snapshot.as_of.astimezone(ZoneInfo(self.zone))
        return None if local.time() == time.min else local.date()


@st.cache_resource(show_spinner=False, max_entries=4)
def _reader(published: str) -> SnapshotReader:
    return SnapshotReader(Path(published))


def newest(settings: Settings) -> Snapshot | None:
    """The snapshot that readers should open now."""
    return _reader(str(settings.published_dir)).current()


def open_view() -> View:
    """Look around once, at the start of a rerun."""
    settings = load_settings()
    view = View(
        settings=settings,
        person=current_person(),
        snapshot=newest(settings),
        colours=palette(st.context.theme.type),
    )
    st.session_state[_KEY] = view
    return view


def current_view() -> View:
    """The view that the frame opened for this rerun."""
    view = st.session_state[_KEY]
    assert isinstance(view, View)
    return view
