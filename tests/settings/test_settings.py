"""Settings reach a child whole, and only zones that every engine knows are zones."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.settings import Settings, is_zone


def test_a_child_in_another_folder_gets_every_setting(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("MILLSTREAM_REPORTING_CURRENCY", "eur")
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_secret")
    told = Settings()
    for name, value in told.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == told
    assert told.environment()["STRIPE_API_KEY"] == "rk_test_secret"
    assert "rk_test_secret" not in repr(told)


def test_every_zone_that_is_accepted_is_known_to_the_engine() -> None:
    known = {row[0] for row in duckdb.sql("select name from pg_timezone_names()").fetchall()}
    for name in ("localtime", "Europe", "Factory", "Mars/Olympus", ""):
        assert not is_zone(name)
    assert is_zone("Europe/Berlin")
    from zoneinfo import available_timezones

    assert {name for name in available_timezones() if is_zone(name)} <= known
