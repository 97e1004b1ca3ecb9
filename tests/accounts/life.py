"""What must hold of accounts on every kind of store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from pipelines.accounts import (
    Holder,
    WaitError,
    WrongPasswordError,
    add_user,
    disable,
    enable,
    holder_of,
    make_token,
    renew,
    sign_in,
    users,
)
from pipelines.accounts.attempts import FREE, count_attempt
from pipelines.state import reading
from pipelines.state.tables import audit_log, metadata, sign_in_attempts

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"


def live(engine: Engine) -> None:
    """A user is made, signs in, renews, is disabled and let in again."""
    add_user(engine, "Ann@Example.com", "marketer", PASSWORD, now=NOW)
    pair = sign_in(engine, "ann@example.com", PASSWORD, now=NOW)
    assert holder_of(engine, pair.access, now=NOW) == Holder("ann@example.com", "marketer")
    script, kept = make_token(engine, "ann@example.com", label="nightly", life=timedelta(days=9), now=NOW)
    again = renew(engine, pair.refresh, now=NOW + timedelta(minutes=30))
    later = NOW + timedelta(minutes=31)
    assert holder_of(engine, pair.access, now=later) is None
    assert holder_of(engine, again.access, now=later) == Holder("ann@example.com", "marketer")
    disable(engine, "ANN@example.com", now=later)
    assert [holder_of(engine, token, now=later) for token in (again.access, script)] == [None, None]
    with pytest.raises(WrongPasswordError):
        renew(engine, again.refresh, now=later)
    with pytest.raises(WrongPasswordError):
        sign_in(engine, "ann@example.com", PASSWORD, now=later)
    enable(engine, "ann@example.com", now=later)
    assert holder_of(engine, script, now=later) is None
    assert sign_in(engine, "ann@example.com", PASSWORD, now=later).access
    (user,) = users(engine)
    assert (user.name, user.role, user.has_password, user.disabled_at) == ("ann@example.com", "marketer", True, None)
    assert [(one.token_id, one.label, one.ending, one.ended_at) for one in user.tokens] == [
        (kept.token_id, "nightly", script[-4:], later)
    ]
    told = everything(engine)
    assert not [secret for secret in (PASSWORD, script, *vars(pair).values(), *vars(again).values()) if secret in told]
    with reading(engine) as connection:
        actions: list[str] = list(connection.scalars(select(audit_log.c.action).order_by(audit_log.c.entry_id)))
        assert connection.scalar(select(func.count()).select_from(sign_in_attempts)) == 0
    assert actions == [
        "user.add", "user.sign_in", "user.token", "user.disable", "user.enable", "user.sign_in",
    ]  # fmt: skip


def many_at_once(engine: Engine) -> None:
    """Attempts that come together count one by one."""

    def attempt(_: int) -> bool:
        try:
            count_attempt(engine, "ann", NOW)
        except WaitError as problem:
            assert problem.seconds == 1
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(12))) == FREE


def everything(engine: Engine) -> str:
    """Every value of every table."""
    with reading(engine) as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(select(table)).all()]
    return repr(rows)
