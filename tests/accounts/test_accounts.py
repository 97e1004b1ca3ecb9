"""Who may come in, with what, and for how long."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import get_args

import pytest
from sqlalchemy import Engine, func, insert, select, update

from pipelines.accounts import (
    ACCESS,
    REFRESH,
    ROLES,
    Holder,
    Permission,
    WaitError,
    WrongPasswordError,
    add_user,
    holder_of,
    make_token,
    may,
    passwords,
    renew,
    revoke_token,
    set_password,
    set_role,
    sign_in,
    users,
)
from pipelines.accounts.attempts import FORGOTTEN, FREE, KEPT, LONGEST, count_attempt, forget_attempts, wait_after
from pipelines.errors import UsageError
from pipelines.state import reading, writing
from pipelines.state.tables import sign_in_attempts, tokens
from pipelines.state.tables import users as user_table
from tests.accounts import life
from tests.accounts.life import NOW, PASSWORD, everything

DAY = timedelta(days=1)


@pytest.fixture
def ann(engine: Engine) -> str:
    """A user without a password: hashing one takes a while."""
    add_user(engine, "ann", "reader", None, now=NOW)
    return "ann"


def test_a_whole_life_on_sqlite(engine: Engine) -> None:
    life.live(engine)


def test_attempts_that_come_together_count_one_by_one(engine: Engine) -> None:
    life.many_at_once(engine)


# --- users ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", "two words", "-dash", "ann'; drop table users; --", "a" * 101, "ä"])
def test_a_name_that_can_not_be_one_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(UsageError, match="can not name a user"):
        add_user(engine, name, "reader", None, now=NOW)
    assert users(engine) == []


def test_a_name_is_taken_in_any_case(engine: Engine, ann: str) -> None:
    with pytest.raises(UsageError, match="a user ann already"):
        add_user(engine, "ANN", "admin", None, now=NOW)
    assert [user.role for user in users(engine)] == ["reader"]


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_a_password_of_another_length_is_refused_and_not_told(engine: Engine, ann: str, password: str) -> None:
    with pytest.raises(UsageError, match="12 to 256 characters") as refused:
        set_password(engine, ann, password, now=NOW)
    assert not password or password not in str(refused.value)
    assert not users(engine)[0].has_password


def test_roles_see_more_from_the_first_to_the_last(engine: Engine, ann: str) -> None:
    seen = [[may(role, wanted) for wanted in get_args(Permission)] for role in ROLES]
    assert ROLES == ("reader", "marketer", "admin")
    assert seen == [
        [True, False, False, False, False],
        [True, True, False, True, False],
        [True, True, True, True, True],
    ]
    assert not may("owner", "figures")
    with pytest.raises(UsageError, match="no role"):
        set_role(engine, ann, "owner", now=NOW)


def test_a_role_holds_at_once_for_tokens_that_are_out(engine: Engine, ann: str) -> None:
    token, _ = make_token(engine, ann, label="", life=DAY, now=NOW)
    set_role(engine, ann, "admin", now=NOW)
    assert holder_of(engine, token, now=NOW) == Holder("ann", "admin")


def test_nobody_by_that_name_is_told_so(engine: Engine) -> None:
    for change in (
        lambda: set_role(engine, "eve", "admin", now=NOW),
        lambda: set_password(engine, "eve", PASSWORD, now=NOW),
        lambda: make_token(engine, "eve", label="", life=DAY, now=NOW),
    ):
        with pytest.raises(UsageError, match="there is no user 'eve'"):
            change()


# --- passwords --------------------------------------------------------------------------------------------


def test_a_password_is_kept_as_a_hash_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = passwords.hash_password("pässword of ann"), passwords.hash_password("pässword of ann")
    assert first != second
    assert first.startswith("scrypt$15$8$3$")
    assert passwords.fits("pa\u0308ssword of ann", first)  # The same, typed on another keyboard.
    assert not passwords.fits("password of ann", first)
    assert not passwords.fits("pässword of ann", None)
    assert passwords.is_current(first)
    monkeypatch.setattr(passwords, "_LOG_N", 16)
    assert not passwords.is_current(first)
    assert passwords.fits("pässword of ann", first)


def test_a_hash_of_an_old_cost_is_made_anew_when_its_password_is_known(
    engine: Engine, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cheaper:
        cheaper.setattr(passwords, "_LOG_N", 10)
        set_password(engine, ann, PASSWORD, now=NOW)
    sign_in(engine, ann, PASSWORD, now=NOW)
    with reading(engine) as connection:
        kept = connection.scalar(select(user_table.c.password_hash))
    assert passwords.is_current(str(kept))
    assert passwords.fits(PASSWORD, kept)


def test_wrong_unknown_and_without_a_password_are_told_alike(engine: Engine, ann: str) -> None:
    add_user(engine, "bob", "reader", PASSWORD, now=NOW)
    told = set()
    for name in ("bob", "ann", "nobody", "bob' or '1'='1"):
        with pytest.raises(WrongPasswordError) as refused:
            sign_in(engine, name, "wrong horse battery", now=NOW)
        told.add(str(refused.value))
    assert told == {"the name or the password is wrong."}


def test_another_password_signs_out_and_leaves_scripts_alone(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_LOG_N", 10)
    add_user(engine, "bob", "reader", PASSWORD, now=NOW)
    pair = sign_in(engine, "bob", PASSWORD, now=NOW)
    script, _ = make_token(engine, "bob", label="", life=DAY, now=NOW)
    set_password(engine, "bob", PASSWORD[::-1], now=NOW)
    assert holder_of(engine, pair.access, now=NOW) is None
    assert holder_of(engine, script, now=NOW) == Holder("bob", "reader")
    with pytest.raises(WrongPasswordError):
        renew(engine, pair.refresh, now=NOW)


def test_a_password_that_changes_while_it_is_looked_at_lets_nobody_in(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_LOG_N", 10)
    add_user(engine, "bob", "reader", PASSWORD, now=NOW)
    module = import_module("pipelines.accounts.sign_in")
    fits = module.fits

    def slow(password: str, kept: str | None) -> bool:
        found: bool = fits(password, kept)
        set_password(engine, "bob", PASSWORD[::-1], now=NOW)
        return found

    monkeypatch.setattr(module, "fits", slow)
    with pytest.raises(WrongPasswordError):
        sign_in(engine, "bob", PASSWORD, now=NOW)


# --- wrong passwords --------------------------------------------------------------------------------------


def test_from_the_fifth_wrong_password_on_a_name_waits_ever_longer(engine: Engine) -> None:
    assert [wait_after(count).total_seconds() for count in (1, 4, 5, 6, 9, 14, 15, 10_000)] == [
        0, 0, 1, 2, 16, 512, 900, 900,
    ]  # fmt: skip
    now = NOW
    for _ in range(FREE):
        count_attempt(engine, "ann", now)
    for seconds in (1, 2, 4):
        with pytest.raises(WaitError) as refused:
            count_attempt(engine, "ann", now)
        assert refused.value.seconds == seconds
        count_attempt(engine, "bob", now - timedelta(seconds=seconds))
        now += timedelta(seconds=seconds)
        count_attempt(engine, "ann", now)
    forget_attempts(engine, "ann")
    count_attempt(engine, "ann", now)


def test_the_right_password_waits_too_and_then_begins_anew(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_LOG_N", 10)
    passwords._nobody.cache_clear()
    add_user(engine, "bob", "reader", PASSWORD, now=NOW)
    for _ in range(FREE):
        with pytest.raises(WrongPasswordError):
            sign_in(engine, "bob", "wrong horse battery", now=NOW)
    with pytest.raises(WaitError):
        sign_in(engine, "Bob", PASSWORD, now=NOW)
    assert sign_in(engine, "bob", PASSWORD, now=NOW + timedelta(seconds=1))
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(sign_in_attempts)) == 0


def test_attempts_are_forgotten_and_made_up_names_do_not_fill_the_store(engine: Engine) -> None:
    rows = [{"name_key": f"{n:064}", "times": 9, "last_at": NOW - timedelta(seconds=n)} for n in range(KEPT)]
    with writing(engine) as connection:
        connection.execute(insert(sign_in_attempts), rows)
    count_attempt(engine, "ann", NOW)
    with reading(engine) as connection:
        kept: set[str] = set(connection.scalars(select(sign_in_attempts.c.name_key)))
    assert len(kept) == KEPT
    assert f"{KEPT - 1:064}" not in kept  # The oldest went.
    count_attempt(engine, "ann", NOW + FORGOTTEN + LONGEST)
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(sign_in_attempts)) == 1
    assert "ann" not in everything(engine)


# --- tokens -----------------------------------------------------------------------------------------------


def test_a_token_opens_until_it_ends(engine: Engine, ann: str) -> None:
    token, kept = make_token(engine, "Ann", label="l", life=2 * DAY, now=NOW)
    assert holder_of(engine, token, now=NOW + 2 * DAY - timedelta(seconds=1)) == Holder("ann", "reader")
    assert holder_of(engine, token, now=NOW + 2 * DAY) is None
    assert kept.expires_at == NOW + 2 * DAY
    assert (kept.is_valid(NOW), kept.is_valid(NOW + 2 * DAY)) == (True, False)
    for other in ("", token[:-1], token + "x", token.upper(), "mt_", "\ud800", "' or 1=1 --"):
        assert holder_of(engine, other, now=NOW) is None


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_a_token_without_an_end_is_not_made(engine: Engine, ann: str, days: int) -> None:
    with pytest.raises(UsageError, match="1 to 366 days"):
        make_token(engine, ann, label="", life=timedelta(days=days), now=NOW)
    assert users(engine)[0].tokens == ()


def test_a_token_is_ended_by_its_owners_name_and_id_only(engine: Engine, ann: str) -> None:
    add_user(engine, "bob", "reader", None, now=NOW)
    (first, kept), (second, _) = (make_token(engine, ann, label="", life=DAY, now=NOW) for _ in range(2))
    with pytest.raises(UsageError, match="bob has no token"):
        revoke_token(engine, "bob", kept.token_id, now=NOW)
    for _ in range(2):  # Done twice it is the same.
        revoke_token(engine, ann, kept.token_id, now=NOW)
    assert holder_of(engine, first, now=NOW) is None
    assert holder_of(engine, second, now=NOW) == Holder("ann", "reader")


def test_a_refresh_token_opens_nothing_works_once_and_ends_its_sign_in_when_it_comes_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_LOG_N", 10)
    add_user(engine, "bob", "reader", PASSWORD, now=NOW)
    pair, other = (sign_in(engine, "bob", PASSWORD, now=NOW) for _ in range(2))
    assert holder_of(engine, pair.refresh, now=NOW) is None
    with pytest.raises(WrongPasswordError):
        renew(engine, pair.access, now=NOW)
    again = renew(engine, pair.refresh, now=NOW)
    assert holder_of(engine, again.access, now=NOW + ACCESS - timedelta(seconds=1)) == Holder("bob", "reader")
    assert holder_of(engine, again.access, now=NOW + ACCESS) is None
    with pytest.raises(WrongPasswordError):
        renew(engine, pair.refresh, now=NOW)
    assert holder_of(engine, again.access, now=NOW) is None
    with pytest.raises(WrongPasswordError):
        renew(engine, again.refresh, now=NOW)
    with pytest.raises(WrongPasswordError):
        renew(engine, other.refresh, now=NOW + REFRESH)
    assert holder_of(engine, other.access, now=NOW) is None


def test_tokens_that_ended_long_ago_are_dropped(engine: Engine, ann: str) -> None:
    make_token(engine, ann, label="old", life=DAY, now=NOW)
    with writing(engine) as connection:
        connection.execute(update(tokens).values(expires_at=NOW - timedelta(days=31)))
    make_token(engine, ann, label="new", life=DAY, now=NOW)
    assert [one.label for one in users(engine)[0].tokens] == ["new"]
