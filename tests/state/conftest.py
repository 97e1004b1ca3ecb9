"""A data folder of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.settings import Settings
from pipelines.state import open_state
from tests.postgres import server

__all__ = ["server"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(MILLSTREAM_DATA_DIR=tmp_path / "data", MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely")


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return open_state(settings)
