"""One dbt build for many cases: every case is an account of its own in one sample warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from pipelines.transform import build
from tests.transform import golden_cases, known_people, random_subscriptions, told_histories
from tests.transform.sample_warehouse import Built, Sample, run_unit_tests, settings_in

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
    unit_tests = run_unit_tests(settings)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        yield Built(settings, result, unit_tests, connection)
