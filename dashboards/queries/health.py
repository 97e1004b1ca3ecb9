"""The state of the data as `millstream doctor` tells it: builds from the state store, the rest from the snapshot."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Engine

from dashboards.queries.cache import per_snapshot
from pipelines.quality import told
from pipelines.settings import Settings
from pipelines.state import open_state

Build = told.Build
checks = per_snapshot(told.checks)
failing_rows = per_snapshot(told.failing_rows)
unknown_values = per_snapshot(told.unknown_values)
plan_violations = per_snapshot(told.plan_violations)
balance = per_snapshot(told.balance)
unexplained = per_snapshot(told.unexplained)
sources = per_snapshot(told.sources)
loads = per_snapshot(told.loads)
rates = per_snapshot(told.rates)


@st.cache_resource(show_spinner=False, max_entries=4)
def _opened(state_url: str, _settings: Settings) -> Engine:
    return open_state(_settings)


def state_engine(settings: Settings) -> Engine:
    """The state store, opened once per process."""
    return _opened(settings.state_url, settings)


def recent_builds(settings: Settings, *, limit: int = 10) -> list[Build]:
    """The newest builds, newest first. Not cached: a build may end at any moment."""
    return told.recent_builds(state_engine(settings), limit=limit)
