"""`millstream user`: what it makes, and what it never tells."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.accounts import holder_of
from pipelines.cli import invoke
from pipelines.settings import Settings
from pipelines.state import open_state
from tests.accounts.life import PASSWORD


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def run(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = invoke(["user", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_from_a_user_to_a_token_that_opens_and_its_end(run, settings: Settings) -> None:
    code, out, _ = run(
        "add", "Ann@Example.com", "--role", "marketer", "--password-stdin", "--json", stdin=PASSWORD + "\n"
    )
    assert code == 0
    assert {key: json.loads(out)[key] for key in ("name", "role", "has_password", "tokens")} == {
        "name": "ann@example.com", "role": "marketer", "has_password": True, "tokens": [],
    }  # fmt: skip
    code, out, _ = run("token", "ann@example.com", "--days", "3", "--label", "nightly", "--json")
    made = json.loads(out)
    assert (code, set(made)) == (0, {"user", "token", "token_id", "expires_at"})
    now = datetime.now(UTC)
    assert timedelta(days=2.9) < datetime.fromisoformat(made["expires_at"]) - now < timedelta(days=3)
    holder = holder_of(open_state(settings), made["token"], now=now)
    assert holder is not None
    code, out, _ = run("list", "--json")
    (user,) = json.loads(out)["users"]
    (token,) = user["tokens"]
    assert (token["token_id"], token["label"], token["is_valid"]) == (made["token_id"], "nightly", True)
    assert made["token"] not in out
    assert "scrypt" not in out
    assert run("token", "ann@example.com", "--revoke", made["token_id"])[0] == 0
    assert holder_of(open_state(settings), made["token"], now=now) is None
    for words in (("list",), ("role", "ann@example.com", "admin"), ("disable", "ann@example.com"),
                  ("disable", "ann@example.com", "--undo"), ("token", "ann@example.com")):  # fmt: skip
        code, out, err = run(*words)
        assert code == 0, err
        assert out.strip()
    assert run("passwd", "ann@example.com", "--password-stdin", stdin="another horse entirely\n")[0] == 0


@pytest.mark.parametrize(
    ("words", "stdin", "told"),
    [
        (("add", "bob"), "", "no terminal"),
        (("add", "bob", "--password-stdin"), "short\n", "12 to 256"),
        (("add", "bob", "--password-stdin", "--no-password"), PASSWORD, "one of them"),
        (("add", "bob", "--no-password", "--role", "owner"), "", "reader, marketer, admin"),
        (("passwd", "bob", "--password-stdin"), PASSWORD, "no user 'bob'"),
        (("disable", "bob"), "", "no user 'bob'"),
        (("token", "bob"), "", "no user 'bob'"),
        (("token", "bob", "--revoke", "x"), "", "bob has no token"),
        (("token", "bob", "--days", "99999999999"), "", "1 to 366"),
    ],
)
def test_a_wrong_call_is_exit_2_and_makes_nobody(run, words: tuple[str, ...], stdin: str, told: str) -> None:
    code, out, err = run(*words, stdin=stdin)
    assert (code, out) == (2, "")
    assert told in err
    assert run("list", "--json")[1] == '{"users": []}\n'
