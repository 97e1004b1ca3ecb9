"""SendGrid's lists over HTTP: what it knows and we lack is added, a broken night goes on the next time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from sqlalchemy import Engine, select

from pipelines.delivery.sendgrid_lists import PAGE, reconcile_lists
from pipelines.errors import MillstreamError
from pipelines.privacy import address_key, may_mail, suppress
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import cursors, suppressions

NOW = datetime(2026, 11, 24, 3, 41, tzinfo=UTC)
CREATED = 1_795_000_000


class Account:
    """A SendGrid that has lists: `faults` are statuses that it answers with before it is well."""

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.faults: list[int] = []
        self.remaining = "500"

    def answer(self, target: str, key: str | None) -> tuple[int, dict[str, str], bytes]:
        path, query = (
            urlparse(target).path,
            {name: value[0] for name, value in parse_qs(urlparse(target).query).items()},
        )
        self.asked.append((path, query))
        headers = {"X-RateLimit-Remaining": self.remaining, "X-RateLimit-Reset": str(int(time.time()) + 2)}
        if key != "Bearer SG.right":
            return 401, headers, b"{}"
        if self.faults and (status := self.faults.pop(0)):
            return status, headers, b"<html>" if status == 200 else b"{}"
        rows = self.lists.get(path, [])
        if "limit" in query:
            start = int(query["offset"])
            rows = rows[start : start + int(query["limit"])]
        return 200, headers, json.dumps(rows).encode()


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def settings(settings: Settings, account: Account) -> Iterator[Settings]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = account.answer(self.path, self.headers.get("Authorization"))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    yield Settings(MILLSTREAM_DATA_DIR=settings.data_dir, SENDGRID_API_KEY="SG.right", SENDGRID_API_BASE=base)
    server.shutdown()
    server.server_close()


def row(email: str, **more: Any) -> dict[str, Any]:
    return {"email": email, "created": CREATED, **more}


def reconcile(settings: Settings, slept: list[float] | None = None) -> dict[str, Any]:
    note = (slept if slept is not None else []).append
    return reconcile_lists(settings, open_state(settings), now=NOW, sleep=note).document()


def refused(engine: Engine, *people: str) -> list[str]:
    with reading(engine) as connection:
        return [who for who in people if may_mail(connection, who, policy="customers", pays=True) == "suppressed"]


def test_what_each_list_knows_is_added_once_and_differences_are_told(
    settings: Settings, engine: Engine, account: Account
) -> None:
    people = [f"{name}@example.com" for name in ("bounced", "blocked", "invalid", "angry", "left", "grouped", "known")]
    bounced, blocked, invalid, angry, left, grouped, known = people
    account.lists = {
        "/v3/suppression/bounces": [row(bounced, reason="550", status="5.1.1"), row(known), row("nonsense"), {}],
        "/v3/suppression/blocks": [row(blocked, reason="try later", status="4.0.0")],
        "/v3/suppression/invalid_emails": [row(invalid, reason="unknown domain")],
        "/v3/suppression/spam_reports": [row(angry, ip="192.0.2.1")],
        "/v3/suppression/unsubscribes": [row(left)],
        "/v3/asm/suppressions": [{"email": grouped, "group_id": 17, "group_name": "News", "created_at": CREATED}],
    }
    with writing(engine) as connection:
        for who in (known, "gone@example.com"):
            suppress(connection, address_key(who), reason="bounce", source="sendgrid", now=NOW)
    found = reconcile(settings)
    assert found["lists"] == [
        {"name": "bounces", "theirs": 4, "added": 1, "bad": 2},
        {"name": "blocks", "theirs": 1, "added": 0, "bad": 0},
        {"name": "invalid_emails", "theirs": 1, "added": 1, "bad": 0},
        {"name": "spam_reports", "theirs": 1, "added": 1, "bad": 0},
        {"name": "unsubscribes", "theirs": 1, "added": 1, "bad": 0},
        {"name": "groups", "theirs": 1, "added": 1, "bad": 0},
    ]
    assert (found["added"], found["only_here"]) == (5, 1)
    assert refused(engine, *people) == [bounced, invalid, angry, left, grouped, known]
    with reading(engine) as connection:
        rows = connection.execute(select(suppressions.c.scope, suppressions.c.reason, suppressions.c.source)).all()
    assert {
        ("all", "invalid", "sendgrid"),
        ("all", "complaint", "sendgrid"),
        ("group:17", "unsubscribed", "sendgrid"),
    } <= {tuple(one) for one in rows}
    again = reconcile(settings)
    assert (again["added"], again["only_here"]) == (0, 1)


def test_long_lists_are_read_page_by_page_and_a_broken_night_goes_on(
    settings: Settings, engine: Engine, account: Account
) -> None:
    account.lists["/v3/suppression/blocks"] = [row(f"b{n}@example.com") for n in range(3)]
    account.lists["/v3/suppression/spam_reports"] = [row(f"p{n}@example.com") for n in range(2 * PAGE + 1)]
    # Bounces, blocks, invalid addresses and the first page of complaints, then it is out of order for long.
    account.faults = [0] * 4 + [500] * 7
    with pytest.raises(MillstreamError, match="goes on there"):
        reconcile(settings)
    assert refused(engine, "p0@example.com", f"p{PAGE}@example.com") == ["p0@example.com"]
    account.asked.clear()
    found = reconcile(settings)
    assert [one["name"] for one in found["lists"]] == ["spam_reports", "unsubscribes", "groups"]
    assert found["only_here"] is None
    assert (found["added"], found["requests"]) == (PAGE + 1, 5)
    assert refused(engine, f"p{PAGE}@example.com", f"p{2 * PAGE}@example.com") != []
    with reading(engine) as connection:
        assert connection.execute(select(cursors).where(cursors.c.name == "sendgrid/lists")).first() is None
    assert reconcile(settings)["only_here"] == 0


def test_it_waits_for_the_next_round_of_the_limit_and_over_errors(
    settings: Settings, engine: Engine, account: Account
) -> None:
    account.faults = [429, 502, 200]
    slept: list[float] = []
    assert reconcile(settings, slept)["requests"] == 9
    assert len(slept) == 3
    assert 0 < slept[0] <= 2
    account.remaining = "0"
    slept.clear()
    reconcile(settings, slept)
    assert len(slept) == 6
    assert all(0 < pause <= 2 for pause in slept)


def test_a_key_that_may_not_read_the_lists_says_so(settings: Settings) -> None:
    wrong = settings.model_copy(update={"sendgrid_api_key": Settings(SENDGRID_API_KEY="SG.wrong").sendgrid_api_key})
    with pytest.raises(MillstreamError, match="may not read /v3/suppression/bounces") as refusal:
        reconcile(wrong)
    assert "SG.wrong" not in str(refusal.value)
