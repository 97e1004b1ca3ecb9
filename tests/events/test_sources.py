"""`millstream source`: write keys are told once, kept as hashes, and replaced without a gap."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from pipelines.cli import invoke
from pipelines.errors import UsageError
from pipelines.events.sources import add_source, key_hash, list_sources, rotate_key
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from pipelines.state.tables import audit_log

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert invoke(["source", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_key_is_told_once_with_what_to_paste_and_nothing_keeps_it(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLSTREAM_PUBLIC_URL", "https://collect.example/")
    told = said(capsys, "add", "web")
    key = told["write_key"]
    assert (told["source"], told["url"]) == ("web", "https://collect.example")
    assert set(told["snippets"]) == {"curl", "python", "javascript"}
    assert all(key in text and "https://collect.example" in text for text in told["snippets"].values())
    (source,) = said(capsys, "list")["sources"]
    assert [(one["ending"], one["expires_at"], one["is_valid"]) for one in source["keys"]] == [(key[-4:], None, True)]
    kept = b"".join(path.read_bytes() for path in settings.data_dir.glob("state.sqlite*"))
    assert key.encode() not in kept
    assert key_hash(key).encode() in kept


def test_after_a_rotation_both_keys_are_valid_for_a_while(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    first = said(capsys, "add", "web")["write_key"]
    second = said(capsys, "rotate", "web", "--hours", "2")["write_key"]
    assert second != first
    newest, older = said(capsys, "list")["sources"][0]["keys"]
    assert (newest["ending"], newest["expires_at"], newest["is_valid"]) == (second[-4:], None, True)
    assert (older["ending"], older["is_valid"]) == (first[-4:], True)
    left = datetime.fromisoformat(older["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=55) < left <= timedelta(hours=2)
    assert invoke(["source", "list"]) == 0
    assert "no end" in capsys.readouterr().out


def test_a_rotation_never_gives_an_old_key_more_time(settings: Settings) -> None:
    engine = open_state(settings)
    add_source(engine, "web", now=NOW)
    rotate_key(engine, "web", overlap=HOUR, now=NOW + HOUR / 4)
    rotate_key(engine, "web", overlap=24 * HOUR, now=NOW + HOUR / 2)
    (source,) = list_sources(engine)
    assert [key.expires_at for key in source.keys] == [None, NOW + 24.5 * HOUR, NOW + 1.25 * HOUR]
    rotate_key(engine, "web", overlap=timedelta(0), now=NOW + 2 * HOUR)
    (source,) = list_sources(engine)
    valid = [key.is_valid(NOW + 2 * HOUR) for key in source.keys]
    assert valid == [True, False, False, False]


@pytest.mark.parametrize("name", ["Web", "web site", "", "-web", "w" * 101, "wéb"])
def test_a_name_that_can_not_be_one_makes_nothing(settings: Settings, name: str) -> None:
    with pytest.raises(UsageError, match="can not name a source"):
        add_source(open_state(settings), name, now=NOW)
    assert list_sources(open_state(settings)) == []


def test_a_wrong_call_is_exit_2_and_names_the_way_out(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["source", "rotate", "nobody"]) == 2
    assert "source list" in capsys.readouterr().err
    said(capsys, "add", "web")
    assert invoke(["source", "add", "web"]) == 2
    assert "source rotate web" in capsys.readouterr().err
    assert len(list_sources(open_state(settings))[0].keys) == 1


def test_who_made_and_changed_a_key_is_in_the_audit_log(settings: Settings) -> None:
    engine = open_state(settings)
    keys = [add_source(engine, "web", now=NOW), rotate_key(engine, "web", overlap=HOUR, now=NOW, actor="ann")]
    with reading(engine) as connection:
        rows = connection.execute(select(audit_log).order_by(audit_log.c.entry_id)).all()
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("cli", "source.add", "web"), ("ann", "source.rotate", "web"),
    ]  # fmt: skip
    assert not any(key in row.details for key in keys for row in rows)
