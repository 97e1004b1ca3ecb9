"""Several accounts with one key: those of the settings are read one by one, and each keeps its rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.cli import invoke
from pipelines.demo.knobs import Knobs
from pipelines.demo.stripe_server import serving
from pipelines.operations.installation import at_stripe
from pipelines.settings import Settings
from pipelines.stripe.catalogue import EVENT, KINDS
from pipelines.warehouse import Warehouse
from tests.stripe.account import Account

NOW = int(datetime.now(UTC).timestamp()) - 3600


@pytest.fixture
def knobs() -> Knobs:
    return Knobs()


@pytest.fixture(autouse=True)
def _stripe(knobs: Knobs, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The key's own account with one customer, acct_A with two, acct_B with three, whose ids are equal."""
    own, *connected = [Account(NOW) for _ in range(3)]
    for count, account in enumerate((own, *connected), 1):
        for _ in range(count):
            account.create("customer")
    stores = {f"acct_{letter}": account.store for letter, account in zip("AB", connected, strict=True)}
    with serving(own.store, knobs=knobs, connected=stores) as base:
        monkeypatch.setenv("STRIPE_API_KEY", "rk_test_several_1234")
        monkeypatch.setenv("STRIPE_API_BASE", base)
        yield


def held(settings: Settings) -> dict[str, int]:
    with Warehouse(settings).write("test") as connection:
        sql = "select account, count(*) from raw_stripe.customers group by account"
        return dict(connection.execute(sql).fetchall())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [([], {"default": 1}), (["--account", "acct_B"], {"acct_B": 3}), (["--account", "my shop"], {"my shop": 1})],
)
def test_one_account_is_asked_for_by_name(settings: Settings, asked: list[str], expected: dict[str, int]) -> None:
    assert invoke(["ingest", "stripe", *asked]) == 0
    assert held(settings) == expected


def test_the_accounts_of_the_settings_are_read_in_one_call(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_STRIPE_ACCOUNTS", "default, acct_A,acct_B, acct_A")
    assert invoke(["ingest", "stripe", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert held(settings) == {"default": 1, "acct_A": 2, "acct_B": 3}
    assert told["by_object"] == {"customer": 6, "event": 6}
    assert told["fetched"] == told["loaded"] == 12
    assert invoke(["ingest", "stripe", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["loaded"] == 0


def test_an_account_that_is_not_connected_does_not_hold_up_the_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILLSTREAM_STRIPE_ACCOUNTS", "acct_A,acct_gone,default")
    assert invoke(["ingest", "stripe"]) == 1
    told = capsys.readouterr().err
    assert "2 of 3 Stripe accounts were read." in told
    assert "has no access to the account acct_gone (403)" in told
    assert held(settings) == {"acct_A": 2, "default": 1}


@pytest.mark.parametrize("wrong", ["acct_A;acct_B", "my shop", " , "])
def test_what_is_no_account_is_a_wrong_call(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    monkeypatch.setenv("MILLSTREAM_STRIPE_ACCOUNTS", wrong)
    assert invoke(["ingest", "stripe"]) == 2
    assert "MILLSTREAM_STRIPE_ACCOUNTS" in capsys.readouterr().err


def test_a_missing_permission_is_named_by_the_sync_and_all_of_them_by_the_doctor(
    settings: Settings, knobs: Knobs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    knobs.forbidden = ("invoices", "disputes", "events")
    assert invoke(["ingest", "stripe"]) == 1
    told = capsys.readouterr().err
    assert "(403)" in told
    assert "1234" in told and "rk_test_several" not in told  # noqa: PT018
    monkeypatch.setenv("MILLSTREAM_STRIPE_ACCOUNTS", "default,acct_gone")
    before = knobs.requests
    assert invoke(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    own, gone = found["stripe"]["accounts"]
    assert own["missing_permissions"] == {
        "/v1/invoices": "rak_invoice_read",
        "/v1/disputes": "rak_dispute_read",
        "/v1/events": "rak_event_read",
    }
    assert "acct_gone" in gone["refusal"]
    assert (found["stripe"]["key"], found["stripe"]["mode"]) == ("restricted", "test")
    assert knobs.requests - before == len(KINDS) + 1 + 1, "one question for each list, and one for the refused account"
    told = " ".join(one["what"] for one in found["problems"])
    assert "/v1/disputes (rak_dispute_read), /v1/events (rak_event_read)" in told
    assert "/v1/customers" not in told
    assert EVENT.path == "/v1/events"


def test_a_clock_that_is_off_is_told(settings: Settings, knobs: Knobs) -> None:
    knobs.tells_time = True
    knobs.now = lambda: datetime.now(UTC).timestamp() + 90
    told: dict[str, Any]
    told, problems = at_stripe(settings)
    assert -95 < told["clock_skew_seconds"] < -85
    assert [one.what for one in problems if "clock" in one.what]
    knobs.now = lambda: datetime.now(UTC).timestamp()
    assert at_stripe(settings)[1] == []


def test_offline_nobody_is_asked(settings: Settings, knobs: Knobs, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["doctor", "--offline", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stripe"] is None
    assert knobs.requests == 0


def test_a_stripe_that_is_down_is_a_problem_and_no_traceback(knobs: Knobs, settings: Settings) -> None:
    knobs.down = True
    told, problems = at_stripe(settings)
    assert told["accounts"][0]["missing_permissions"] == {}
    assert "Stripe did not answer" in problems[0].what
