"""An empty state store for each test."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from pipelines.settings import Settings
from pipelines.state import open_state


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return open_state(settings)
