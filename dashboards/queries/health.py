"""The state of the data: builds from the state store; checks, loads and sources from the snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl
import streamlit as st
from sqlalchemy import Engine, select

from dashboards.queries.cache import per_snapshot
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from pipelines.state.tables import builds
from pipelines.warehouse import Snapshot


@dataclass(frozen=True)
class Build:
    """One build as the state store remembers it."""

    started_at: datetime
    finished_at: datetime | None
    outcome: str
    reason: str | None
    snapshot: int | None


@st.cache_resource(show_spinner=False, max_entries=4)
def _opened(state_url: str, _settings: Settings) -> Engine:
    return open_state(_settings)


def state_engine(settings: Settings) -> Engine:
    """The state store, opened once per process."""
    return _opened(settings.state_url, settings)


def recent_builds(settings: Settings, *, limit: int = 10) -> list[Build]:
    """The newest builds, newest first. Not cached: a build may end at any moment."""
    chosen = (builds.c.started_at, builds.c.finished_at, builds.c.outcome, builds.c.reason, builds.c.snapshot)
    newest = select(*chosen).order_by(builds.c.started_at.desc(), builds.c.build_id).limit(limit)
    with reading(state_engine(settings)) as connection:
        return [Build(**row) for row in connection.execute(newest).mappings()]


@per_snapshot
def checks(snapshot: Snapshot) -> pl.DataFrame:
    """Every stored check, failing ones first, errors before warnings."""
    if not snapshot.has("health.checks"):
        return pl.DataFrame()
    return snapshot.query(
        """
        select is_passed, name, table_name, engine, severity, failing_rows, message, checked_at
        from health.checks
        order by is_passed, severity = 'warn', table_name, name
        """
    )


@per_snapshot
def failing_rows(snapshot: Snapshot) -> pl.DataFrame:
    """Some rows of each check that failed, personal data masked."""
    if not snapshot.has("health.failing_rows"):
        return pl.DataFrame()
    return snapshot.query(
        """
        select name, table_name, row_key, row_values
        from health.failing_rows
        order by table_name, name, position
        """
    )


@per_snapshot
def unknown_values(snapshot: Snapshot) -> pl.DataFrame:
    """Kinds and states that Stripe sent and this version does not know, with how many rows have them."""
    if not snapshot.has("health.unknown_values"):
        return pl.DataFrame()
    return snapshot.query(
        """
        select table_name, field, value, row_count
        from health.unknown_values
        order by row_count desc, table_name, value
        """
    )


@per_snapshot
def sources(snapshot: Snapshot) -> pl.DataFrame:
    """One row per source: rows, newest row, last load, set-aside lines."""
    if not snapshot.has("health.sources"):
        return pl.DataFrame()
    return snapshot.query(
        """
        select source, row_count, newest_row_at, last_loaded_at, quarantined
        from health.sources
        order by source
        """
    )


@per_snapshot
def loads(snapshot: Snapshot, *, limit: int = 200) -> pl.DataFrame:
    """The newest loads: what was read, kept, known already and set aside."""
    if not snapshot.has("health.loads"):
        return pl.DataFrame()
    return snapshot.query(
        """
        select loaded_at, source, input_name, read, loaded, duplicates, unchanged, quarantined
        from health.loads
        order by loaded_at desc, source, input_name
        limit $limit
        """,
        limit=limit,
    )
