"""One dbt build for many cases: every case is an account of its own in one sample warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import golden_cases
import known_people
import pytest
import random_subscriptions
import told_histories
from sample_warehouse import Built, Sample, settings_in

from pipelines.transform import build

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The cases of all four modules, built once."""
    settings = settings_in(tmp_path_factory.mktemp("built"))
    sample = Sample()
    for module in (golden_cases, told_histories, known_people, random_subscriptions):
        module.add_to(sample)
    sample.write(settings.warehouse_path)
    result = build(settings, now=NOW)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        yield Built(settings, result, connection)
