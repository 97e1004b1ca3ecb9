"""One dbt build for many cases: every case is an account of its own in one sample warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.transform import build
from pipelines.warehouse import Snapshot, SnapshotReader, Warehouse, publish
from tests.transform import (
    golden_cases,
    known_people,
    profile_cases,
    random_businesses,
    random_subscriptions,
    same_business,
    told_histories,
    two_modes,
)
from tests.transform.sample_warehouse import Built, Published, Sample, run_models, settings_in

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> Iterator[Published]:
    """The golden cases ingested, the cases of the other modules beside them, all built once."""
    settings = settings_in(tmp_path_factory.mktemp("built"))
    golden_cases.ingest(settings, tmp_path_factory.mktemp("golden"), NOW)
    profile_cases.ingest(settings, tmp_path_factory.mktemp("profiles"), NOW)
    same_business.ingest(settings, tmp_path_factory.mktemp("same"), NOW)
    two_modes.ingest(settings, tmp_path_factory.mktemp("modes"), NOW)
    sample = Sample()
    for module in (told_histories, known_people, random_subscriptions, random_businesses):
        module.add_to(sample)
    sample.write(settings.warehouse_path)
    result = build(settings, now=NOW)
    next_day, snapshot = _published(settings, "next_day"), _published(settings, "day")
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        yield Published(settings, result, connection, snapshot, next_day)


def _published(settings: Settings, fx_date: str) -> Snapshot:
    """The marts as readers open them, with the rates that the cases speak of and the switch of Stripe's dating."""
    with Warehouse(settings).write("test") as connection:
        connection.execute("delete from marts.exchange_rates")
        connection.executemany("insert into marts.exchange_rates values (?, ?, ?)", golden_cases.RATES)
        connection.execute("update marts.definition_profiles set fx_date = ? where profile = 'stripe'", [fx_date])
        publish(connection, settings, as_of=NOW, now=NOW)
    snapshot = SnapshotReader(settings.published_dir).current()
    assert snapshot is not None
    return snapshot


@pytest.fixture(scope="session")
def in_test_mode(built: Built, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """MRR of each account when figures are asked for of test data: the ledger's models built once more."""
    settings = settings_in(tmp_path_factory.mktemp("in_test_mode")).model_copy(update={"stripe_mode": "test"})
    shutil.copy2(built.settings.warehouse_path, settings.warehouse_path)
    result = run_models(settings, "+fct_mrr_movements_daily", now=NOW)
    assert result.ok
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        rows = connection.execute("""
            select account, sum(amount_minor)::bigint from marts.fct_mrr_movements_daily
            where profile = 'stripe' group by account
        """).fetchall()
    return {str(account): int(minor) for account, minor in rows}
