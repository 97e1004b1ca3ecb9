"""From an event at the gateway to a page: the sensor asks, the short job loads, builds and publishes."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from pipelines.defs.serving.jobs import received, received_data
from pipelines.events.sources import add_source
from pipelines.gateway.app import create_app
from pipelines.resources import SettingsResource
from pipelines.settings import Settings
from pipelines.state import open_state
from tests.building import newest
from tests.gateway.calling import serving
from tests.threads import on_own_thread

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def copied(built_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder of this test's own with the small business built and published."""
    shutil.copytree(built_folder, tmp_path / "data")
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MILLSTREAM_AS_OF", "2026-11-24T12:00:00Z")
    return Settings()


def short_job() -> dg.ExecuteInProcessResult:
    return received_data.execute_in_process(resources={"settings": SettingsResource()}, raise_on_error=False)


def test_an_event_is_published_by_the_short_job_that_the_sensor_asks_for(copied: Settings) -> None:
    before = newest(copied.data_dir)
    payments = before.manifest.tables["marts.fct_payments"]
    key = add_source(open_state(copied), "web", now=NOW)
    with serving(create_app(copied, clock=lambda: NOW)) as gateway:
        sent = {"userId": "late", "event": "came in", "messageId": "m1", "timestamp": "2026-11-24T11:59:00Z"}
        assert gateway.send("/v1/track", sent, key=key).status == 200
        asked = received(settings=copied)
        assert isinstance(asked, dg.SensorResult)
        assert len(asked.run_requests or []) == 1
        done = on_own_thread(short_job)
        assert done.success
        again = received(settings=copied)
        assert isinstance(again, dg.SensorResult)
        assert not again.run_requests
    after = newest(copied.data_dir)
    assert after.number == before.number + 1
    found = after.query("select person_id, event from marts.fct_events where event_id = 'm1'")
    assert found.rows() == [("late", "came in")]
    assert after.query("select count(*) as n from marts.fct_sessions where person_id = 'late'").item() == 1
    assert after.manifest.tables["marts.fct_payments"] == payments
