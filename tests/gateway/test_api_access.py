"""Who gets into the API: tokens, roles, signing in, and what a store that is gone means."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module

import pytest
from sqlalchemy import Engine

from pipelines.accounts import ACCESS, REFRESH, add_user, disable, make_token, passwords, revoke_token, set_role
from pipelines.accounts.attempts import FREE
from pipelines.gateway import accounts as gateway_accounts
from pipelines.gateway.app import create_app
from pipelines.settings import Settings
from pipelines.state import open_state
from tests.accounts.life import PASSWORD
from tests.gateway.calling import Answer, Caller, Clock, serving

NOW = Clock().now
DAY = timedelta(days=1)
LIST = "/v1/api/segment/list"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return open_state(settings)


@pytest.fixture
def gateway(settings: Settings, clock: Clock, engine: Engine) -> Iterator[Caller]:
    with serving(create_app(settings, clock=clock)) as caller:
        yield caller


@pytest.fixture
def bob(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    """Somebody with a password that is hashed in no time."""
    monkeypatch.setattr(passwords, "_LOG_N", 10)
    passwords._nobody.cache_clear()
    add_user(engine, "bob", "reader", PASSWORD, now=NOW)
    return "bob"


def sign_in(gateway: Caller, name: str = "bob", password: str = PASSWORD) -> Answer:
    return gateway.api("/v1/auth/token", {"username": name, "password": password})


def test_without_a_valid_token_nothing_is_asked(
    gateway: Caller, engine: Engine, clock: Clock, children: Callable[[], list[int]]
) -> None:
    add_user(engine, "ann", "reader", None, now=NOW)
    (token, kept), (old, _) = (make_token(engine, "ann", label="", life=life, now=NOW) for life in (2 * DAY, DAY))
    clock.now += DAY
    shown = [
        {}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}, {"Authorization": token},
        {"Authorization": f"Basic {token}"}, {"Authorization": f"Bearer {token}x"}, {"Authorization": f"Bearer {old}"},
        {"Authorization": "Bearer " + "x" * 5000}, {"Authorization": "Bearer ' or 1=1 --"}, {"Cookie": f"token={token}"},
    ]  # fmt: skip
    for headers in shown:
        answer = gateway.api(LIST, headers=headers)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), headers
        assert token not in answer.text
    assert gateway.api(f"{LIST}?access_token={token}").status == 401
    assert children() == []
    assert gateway.api(LIST, token=token).status == 200
    assert gateway.api(LIST, headers={"authorization": f"bearer  {token} "}).status == 200
    revoke_token(engine, "ann", kept.token_id, now=NOW)
    assert gateway.api(LIST, token=token).status == 401


def test_who_is_disabled_is_refused_at_once_and_a_new_role_holds_at_once(gateway: Caller, engine: Engine) -> None:
    add_user(engine, "ann", "reader", None, now=NOW)
    token, _ = make_token(engine, "ann", label="", life=DAY, now=NOW)
    assert gateway.api("/v1/api/source/list", token=token).status == 403
    set_role(engine, "ann", "admin", now=NOW)
    assert gateway.api("/v1/api/source/list", token=token).document == {"sources": []}
    disable(engine, "ann", now=NOW)
    assert gateway.api("/v1/api/source/list", token=token).status == 401


def test_a_password_gives_a_pair_that_opens_ends_and_is_renewed(gateway: Caller, bob: str, clock: Clock) -> None:
    pair = sign_in(gateway, " BOB").document
    assert (pair["token_type"], pair["expires_in"], pair["refresh_expires_in"]) == ("Bearer", 3600, 30 * 86400)
    assert sign_in(gateway).headers["cache-control"] == "no-store"
    assert gateway.api(LIST, token=pair["access_token"]).status == 200
    assert gateway.api(LIST, token=pair["refresh_token"]).status == 401
    clock.now += ACCESS
    assert gateway.api(LIST, token=pair["access_token"]).status == 401
    again = gateway.api("/v1/auth/refresh", {"refresh_token": pair["refresh_token"]})
    assert gateway.api(LIST, token=again.document["access_token"]).status == 200
    stolen = gateway.api("/v1/auth/refresh", {"refresh_token": pair["refresh_token"]})
    assert (stolen.status, stolen.document) == (401, {"error": "this token renews nothing; sign in again"})
    assert gateway.api(LIST, token=again.document["access_token"]).status == 401
    assert REFRESH > ACCESS


def test_wrong_passwords_are_refused_alike_and_then_have_to_wait(
    gateway: Caller, bob: str, engine: Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    add_user(engine, "script", "admin", None, now=NOW)
    for name in ("bob", "nobody", "script"):
        answer = sign_in(gateway, name, "not the password")
        assert (answer.status, answer.document) == (401, {"error": "the name or the password is wrong"})
    for _ in range(FREE - 1):
        assert sign_in(gateway, "nobody", "x").status == 401
    answer = sign_in(gateway, "nobody")
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert sign_in(gateway).status == 200
    clock.now += timedelta(seconds=1)
    assert sign_in(gateway, "nobody").status == 401
    assert not [line for line in caplog.messages if "nobody" in line or PASSWORD in line or "bob" in line]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/v1/auth/token", b"", "the body is no JSON object"),
        ("/v1/auth/token", b"username=bob&password=x", "the body is no JSON object"),
        ("/v1/auth/token", {"username": "bob"}, "password: is missing"),
        ("/v1/auth/token", {"username": "bob", "password": 5}, "password: Input should be a valid string"),
        ("/v1/auth/token", {"username": "bob", "password": "secret", "role": "admin"}, "role: there is no such"),
        ("/v1/auth/token", {"username": {"$ne": ""}, "password": "secret"}, "username: Input should be a valid"),
        ("/v1/auth/refresh", {}, "refresh_token: is missing"),
        ("/v1/auth/refresh", {"refresh_token": "secret" * 100}, "refresh_token: "),
    ],
)  # fmt: skip
def test_a_sign_in_that_can_not_be_meant_is_400_and_quotes_nothing(
    gateway: Caller, path: str, body: object, words: str
) -> None:
    answer = gateway.api(path, body)
    assert answer.status == 400
    assert answer.document["error"].startswith(words)
    assert "secret" not in answer.text


def test_a_body_that_is_too_large_for_a_sign_in_is_413(gateway: Caller) -> None:
    assert sign_in(gateway, "bob", "x" * 5000).status == 413


def test_a_password_that_takes_its_time_holds_up_no_token_and_only_so_many_wait_for_it(
    settings: Settings, engine: Engine, bob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("pipelines.accounts.sign_in")
    fits, looked_at, go_on = module.fits, threading.Event(), threading.Event()

    def slow(password: str, kept: str | None) -> bool:
        looked_at.set()
        assert go_on.wait(20)
        return bool(fits(password, kept))

    monkeypatch.setattr(module, "fits", slow)
    monkeypatch.setattr(gateway_accounts, "PASSWORDS_WAITING", 0)
    with serving(create_app(settings)) as gateway, ThreadPoolExecutor(1) as thread:
        first = thread.submit(sign_in, gateway)
        assert looked_at.wait(20)
        answer = sign_in(gateway)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert gateway.api(LIST, token="x").status == 401
        go_on.set()
        assert first.result().status == 200


def test_a_store_that_is_gone_is_503_and_told_without_its_address(
    settings: Settings, clock: Clock, engine: Engine
) -> None:
    add_user(engine, "ann", "reader", None, now=NOW)
    token, _ = make_token(engine, "ann", label="", life=DAY, now=NOW)
    with serving(create_app(settings, clock=clock)) as gateway:
        assert gateway.api(LIST, token=token).status == 200
        with sqlite3.connect(settings.data_dir / "state.sqlite") as other:
            other.execute("alter table users rename to gone")
        for answer in (gateway.api(LIST, token=token), sign_in(gateway)):
            assert (answer.status, answer.headers["retry-after"]) == (503, "30")
            assert answer.document == {"error": "the accounts can not be read now; ask again"}
        assert gateway.get("/healthz").status == 200


def test_pages_of_other_sites_are_not_let_in(gateway: Caller) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    assert gateway.ask_first(LIST, asked).status == 405
    answer = gateway.api(LIST, headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
