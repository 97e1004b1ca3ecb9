"""Suppressions outlive their person and name nobody; what people and the provider choose holds in any order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, text

from pipelines.cli import invoke
from pipelines.errors import MillstreamError, UsageError
from pipelines.operations import prepare_warehouse
from pipelines.privacy import (
    Confirmation,
    ConsentRow,
    Unsubscription,
    address_key,
    choose_group,
    confirm,
    import_consents,
    lift,
    may_mail,
    suppress,
    unsubscribe,
)
from pipelines.privacy.ledger import told
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import consent_events, consents, suppressions
from pipelines.warehouse import Warehouse

DAY = timedelta(days=1)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ANN, BOB = "ann@example.com", "bob@example.com"


def refuse(engine: Engine, email: str, **more: str) -> bool:
    with writing(engine) as connection:
        return suppress(connection, address_key(email), reason="bounce", source="test", now=NOW, **more)


def why_not(engine: Engine, email: str = ANN, purpose: str = "marketing") -> str | None:
    with reading(engine) as connection:
        return may_mail(connection, email, policy="customers", pays=True, purpose=purpose)


def test_the_store_holds_nothing_that_a_guessed_address_would_find(engine: Engine, settings: Settings) -> None:
    refuse(engine, ANN)
    assert why_not(engine) == "suppressed"
    engine.dispose()
    stored = b"".join(path.read_bytes() for path in settings.data_dir.glob("state.sqlite*"))
    assert address_key(ANN).encode() not in stored
    assert b"ann@example" not in stored


def test_with_another_secret_nobody_is_mailed_and_nothing_is_written(engine: Engine, settings: Settings) -> None:
    refuse(engine, ANN)
    other = open_state(Settings(MILLSTREAM_DATA_DIR=settings.data_dir, MILLSTREAM_SECRET_KEY="another"))
    for act in (lambda: why_not(other, BOB), lambda: refuse(other, BOB)):
        with pytest.raises(MillstreamError, match="not the one that suppressions were written with"):
            act()
    again = open_state(settings)
    assert (why_not(again), why_not(again, BOB)) == ("suppressed", None)


def test_what_an_older_version_stored_bare_refuses_before_and_after_it_is_hidden(engine: Engine) -> None:
    with writing(engine) as connection:
        for email in (ANN, BOB):
            row = {"address_key": address_key(email), "scope": "all", "reason": "complaint", "source": "old"}
            connection.execute(insert(suppressions).values(**row, created_at=NOW))
    assert (why_not(engine), why_not(engine, BOB)) == ("suppressed", "suppressed")
    assert not refuse(engine, ANN), "it is the same suppression, and the first reason stays"
    with reading(engine) as connection:
        rows = connection.execute(select(suppressions.c.address_key, suppressions.c.is_hidden)).all()
    assert {row.is_hidden for row in rows} == {True}
    assert not {address_key(ANN), address_key(BOB)} & {row.address_key for row in rows}
    assert (why_not(engine), why_not(engine, BOB)) == ("suppressed", "suppressed")


def test_the_migration_tells_the_ledger_what_was_agreed_to_before(settings: Settings) -> None:
    from alembic import command
    from alembic.config import Config

    from pipelines.state.engine import _MIGRATIONS, _engine

    engine = _engine(settings.state_url)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        agreed = {"purpose": "marketing", "source": "form", "proof": "box"}
        for key, withdrawn in (("a", None), ("b", NOW + DAY), ("c", NOW)):
            row = {**agreed, "address_key": key, "granted_at": NOW, "withdrawn_at": withdrawn}
            connection.execute(insert(consents).values(**row))
    entries = select(consent_events.c.address_key, consent_events.c.action, consent_events.c.at)
    with reading(open_state(settings)) as connection:
        assert connection.scalar(text("select version_num from alembic_version")) >= "0006"
        found = {tuple(row) for row in connection.execute(entries)}
    assert found == {
        ("a", "granted", NOW), ("b", "granted", NOW), ("b", "withdrawn", NOW + DAY), ("c", "withdrawn", NOW),
    }  # fmt: skip


def test_a_list_that_is_refused_leaves_the_others(engine: Engine) -> None:
    refuse(engine, ANN, scope="news")
    assert (why_not(engine), why_not(engine, purpose="news")) == (None, "suppressed")
    refuse(engine, BOB, scope="group:7")
    assert (why_not(engine, BOB), why_not(engine, BOB, "news")) == ("suppressed", "suppressed")
    with writing(engine) as connection:
        assert lift(connection, address_key(ANN), actor="ann", now=NOW, scope="marketing") == 0
        assert lift(connection, address_key(ANN), actor="ann", now=NOW) == 1
    assert why_not(engine, purpose="news") is None


CHOICES = [("7", True, 1), ("7", False, 2), ("8", True, 3), ("7", True, 4), ("7", False, 5)]
"""Group, whether it is left, and the day of it."""


def test_choices_about_a_group_hold_in_any_order_and_twice(engine: Engine) -> None:
    key = address_key(ANN)
    for number, order in enumerate(permutations(CHOICES)):
        if number % 6:
            continue
        email = f"p{number}@example.com"
        key = address_key(email)
        with writing(engine) as connection:
            for group, leaves, day in (*order, order[0]):
                choose_group(connection, key, group, leaves=leaves, at=NOW + day * DAY, now=NOW)
            scopes = {one.scope for one in connection.execute(select(suppressions.c.scope))}
            assert scopes == {"group:8"}, order
            lift(connection, key, actor="test", now=NOW)


def test_who_left_and_says_yes_again_is_mailed_and_who_bounced_is_not(engine: Engine) -> None:
    key, bounced = address_key(ANN), address_key(BOB)
    refuse(engine, BOB)
    with writing(engine) as connection:
        unsubscribe(connection, Unsubscription(key, "gone"), everything=True, now=NOW)
    asked = [ConsentRow(n, email, "shop", NOW + DAY) for n, email in enumerate((ANN, BOB))]
    import_consents(engine, asked, NOW, double_opt_in=True)
    with writing(engine) as connection:
        for one in (key, bounced):
            assert confirm(connection, Confirmation(one, "marketing", NOW + DAY), now=NOW + 2 * DAY)
    assert (why_not(engine), why_not(engine, BOB)) == (None, "suppressed")


def test_a_request_is_not_confirmed_by_who_took_it_back_since(engine: Engine) -> None:
    import_consents(engine, [ConsentRow(1, ANN, "shop", NOW)], NOW, double_opt_in=True)
    with writing(engine) as connection:
        unsubscribe(connection, Unsubscription(address_key(ANN), "gone"), everything=False, now=NOW + DAY)
    with pytest.raises(UsageError, match="taken back"), writing(engine) as connection:
        confirm(connection, Confirmation(address_key(ANN), "marketing", NOW), now=NOW + 2 * DAY)
    assert why_not(engine) == "suppressed"


def test_everything_that_was_told_stays_in_the_ledger(engine: Engine) -> None:
    rows = [ConsentRow(1, ANN, "form", NOW, "box"), ConsentRow(2, ANN, "phone", NOW - DAY, "call 7")]
    for _ in range(2):
        import_consents(engine, rows, NOW + DAY)
    with writing(engine) as connection:
        unsubscribe(connection, Unsubscription(address_key(ANN), "spring"), everything=False, now=NOW + 2 * DAY)
        entries = told(connection, address_key(ANN))
    assert [(one.action, one.source, one.proof) for one in entries] == [
        ("granted", "phone", "call 7"), ("granted", "form", "box"), ("withdrawn", "link:spring", "the link in a mail of spring"),
    ]  # fmt: skip


def test_the_warehouse_learns_the_address_keys_of_those_it_knows_and_of_nobody_else(
    engine: Engine, settings: Settings
) -> None:
    for email in (ANN, "jörg@bücher.example", "stranger@example.com"):
        refuse(engine, email)
    prepare_warehouse(settings, purpose="test")
    with Warehouse(settings).write("test") as connection:
        connection.execute(
            "insert into raw_events.identities (user_id, email) values ('u1', ' Ann@Example.com'), ('u2', ?)",
            ["jörg@bücher.example"],
        )
    prepare_warehouse(settings, purpose="test")
    with Warehouse(settings).write("test") as connection:
        found = {row[0] for row in connection.execute("select address_key from raw_state.suppressions").fetchall()}
    assert len(found) == 3
    assert {address_key(ANN), address_key("jörg@bücher.example")} <= found
    assert address_key("stranger@example.com") not in found


# --- the command ---------------------------------------------------------------------------------------------


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(settings.data_dir))

    def call(*arguments: str, code: int = 0):
        capsys.readouterr()
        assert invoke(["suppression", *arguments, *(["--json"] if code == 0 else [])]) == code
        told_there = capsys.readouterr()
        return json.loads(told_there.out) if code == 0 else told_there.err

    return call


def test_the_command_adds_lists_and_takes_back(run, engine: Engine) -> None:
    assert run("add", ANN) == {"added": True, "scope": "all"}
    assert run("add", ANN) == {"added": False, "scope": "all"}
    assert run("add", BOB, "--scope", "news", "--reason", "asked by phone")["added"]
    (row,) = run("list", "--email", BOB)["suppressions"]
    assert (row["scope"], row["reason"], row["source"]) == ("news", "asked by phone", "command line")
    assert run("list")["total"] == 2
    assert run("list", "--scope", "all")["total"] == 1
    assert BOB not in json.dumps(run("list"))
    assert run("remove", ANN, "--scope", "news") == {"removed": 0, "scope": "news"}
    assert run("remove", ANN) == {"removed": 1, "scope": None}
    assert (why_not(engine), why_not(engine, BOB, "news")) == (None, "suppressed")


def test_a_wrong_call_is_exit_2_and_quotes_no_address(run, tmp_path: Path) -> None:
    assert "no e-mail address" in run("add", "nonsense", code=2)
    assert "nonsense" not in run("remove", "nonsense", code=2)
    assert "no scope" in run("add", ANN, "--scope", "No Such", code=2)
    assert "no file" in run("import", str(tmp_path / "none.csv"), code=2)
    assert "SENDGRID_API_KEY" in run("reconcile", code=1)


def test_a_file_is_imported_once_and_its_bad_lines_are_told_by_number(run, tmp_path: Path, engine: Engine) -> None:
    file = tmp_path / "old_list.csv"
    file.write_text(f"email,scope,reason\n{ANN},,\nnonsense,,\n{BOB},news,left\n{BOB},All of it,\n")
    first = run("import", str(file))
    assert (first["read"], first["added"], first["unchanged"], first["bad"]) == (4, 2, 0, 2)
    assert [one["line"] for one in first["bad_lines"]] == [3, 5]
    assert "nonsense" not in json.dumps(first)
    again = run("import", str(file))
    assert (again["added"], again["unchanged"]) == (0, 2)
    assert (why_not(engine), why_not(engine, BOB), why_not(engine, BOB, "news")) == ("suppressed", None, "suppressed")


def test_confirm_links_are_written_for_those_who_did_not_answer_yet(
    settings: Settings, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(settings.data_dir))
    file, links = tmp_path / "asked.csv", tmp_path / "links.csv"
    file.write_text(f"email,source,at\n{ANN},shop,2026-05-01\n{BOB},shop,2026-05-01\nnonsense,shop,2026-05-01\n")
    call = ["consent", "import", str(file), "--double-opt-in", "--links", str(links)]
    assert invoke(call) == 0
    assert (links.stat().st_mode & 0o777, len(links.read_text().splitlines())) == (0o600, 3)
    with writing(engine) as connection:
        asked = Confirmation(address_key(ANN), "marketing", datetime(2026, 5, 1, tzinfo=UTC))
        confirm(connection, asked, now=NOW)
    assert invoke(call) == 0
    assert [line.split(",")[0] for line in links.read_text().splitlines()] == ["email", BOB]
    assert invoke(["consent", "import", str(file), "--links", str(links)]) == 2
