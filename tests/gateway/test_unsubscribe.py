"""The links in mails over a real server: a look changes nothing, an answer is on disk before it is answered."""

from __future__ import annotations

import asyncio
import http.client
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from pipelines.gateway import choices
from pipelines.gateway.app import create_app
from pipelines.gateway.pages import HEADERS
from pipelines.privacy import (
    Confirmation,
    ConsentRow,
    address_key,
    confirm_token,
    import_consents,
    may_mail,
    secret_key,
    unsubscribe_token,
)
from pipelines.privacy.ledger import told
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import audit_log, campaigns, consent_events, suppressions
from tests import warm
from tests.gateway.calling import NOW, Answer, Caller, Clock, serving

ANN = "ann@example.com"
KEY = address_key(ANN)
THEN = datetime(2026, 1, 1, tzinfo=UTC)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ONE_CLICK = b"List-Unsubscribe=One-Click"


@pytest.fixture
def gateway(settings: Settings) -> Iterator[Caller]:
    agree(settings)
    with serving(create_app(settings, clock=Clock())) as caller:
        yield caller


def agree(settings: Settings) -> None:
    """Ann agreed to two lists, and a campaign mails the second of them."""
    engine = open_state(settings)
    rows = [ConsentRow(n, ANN, "form", THEN, purpose=purpose) for n, purpose in enumerate(("marketing", "news"))]
    import_consents(engine, rows, NOW)
    document = '{"name": "digest", "purpose": "news", "segment": "all", "subject": "Hi"}'
    texts = {"document": document, "html": "", "text": "", "content_hash": "", "state": "sent"}
    with writing(engine) as connection:
        connection.execute(insert(campaigns).values(name="digest", created_at=NOW, updated_at=NOW, **texts))


def link(settings: Settings, campaign: str = "digest") -> str:
    return f"/u/{unsubscribe_token(secret_key(settings), KEY, campaign)}"


def refusals(settings: Settings) -> dict[str, str | None]:
    with reading(open_state(settings)) as connection:
        return {list_: may_mail(connection, ANN, policy="required", purpose=list_) for list_ in ("marketing", "news")}


def everything(settings: Settings) -> list[Any]:
    """All that a choice may change."""
    with reading(open_state(settings)) as connection:
        return [
            tuple(row)
            for table in (suppressions, consent_events, audit_log)
            for row in connection.execute(select(table))
        ]


def head(gateway: Caller, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.request("HEAD", path)
    status = connection.getresponse().status
    connection.close()
    return status


def is_a_page(answer: Answer) -> bool:
    """One document that fetches nothing, sets nothing and leads nowhere else."""
    assert all(answer.headers.get(name.lower()) == value for name, value in HEADERS.items())
    assert not {"set-cookie", "location"} & answer.headers.keys()
    assert not re.search(r"https?:|//|<script|<img|<link|url\(|@import", answer.text)
    return answer.text.startswith("<!doctype html>") and answer.headers["content-type"].startswith("text/html")


def test_whoever_only_looks_changes_nothing_and_is_asked(gateway: Caller, settings: Settings) -> None:
    before = everything(settings)
    for _ in range(3):
        answer = gateway.get(link(settings))
        assert (answer.status, head(gateway, link(settings))) == (200, 200)
    assert is_a_page(answer)
    assert "news" in answer.text
    assert answer.text.count("<button") == 2
    assert everything(settings) == before
    assert refusals(settings) == {"marketing": None, "news": None}


def test_a_mail_programs_click_leaves_the_list_of_the_campaign_and_again_changes_nothing(
    gateway: Caller, settings: Settings
) -> None:
    answer = gateway.send(link(settings), ONE_CLICK, FORM)
    assert (answer.status, is_a_page(answer)) == (200, True)
    assert refusals(settings) == {"marketing": None, "news": "suppressed"}
    before = everything(settings)
    for _ in range(3):
        assert gateway.send(link(settings), ONE_CLICK, FORM).status == 200
    assert everything(settings) == before
    assert gateway.taken("unsubscribe") == {"accepted": 1, "duplicate": 3}
    with reading(open_state(settings)) as connection:
        last = told(connection, KEY, "news")[-1]
    assert (last.action, last.at, last.source, last.proof) == (
        "withdrawn", NOW, "link:digest", "the link in a mail of digest",
    )  # fmt: skip
    # What somebody imports later does not bring it back.
    import_consents(open_state(settings), [ConsentRow(1, ANN, "old list", NOW.replace(year=2027), purpose="news")], NOW)
    assert refusals(settings)["news"] == "suppressed"


def test_the_form_of_other_mail_programs_and_of_the_page_are_read_as_well(gateway: Caller, settings: Settings) -> None:
    multipart = b'--cut\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--cut--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=cut"}
    assert gateway.send(link(settings), multipart, kind).status == 200
    assert refusals(settings) == {"marketing": None, "news": "suppressed"}
    answer = gateway.send(link(settings), b"leave=everything", FORM)
    assert (answer.status, "<button" in answer.text) == (200, False)
    assert refusals(settings) == {"marketing": "suppressed", "news": "suppressed"}
    with reading(open_state(settings)) as connection:
        assert {(one.purpose, one.action) for one in told(connection, KEY)} >= {
            ("marketing", "withdrawn"), ("news", "withdrawn"),
        }  # fmt: skip
        assert may_mail(connection, ANN, policy="customers", pays=True, purpose="anything") == "suppressed"


def test_a_link_that_is_not_ours_says_so_and_changes_nothing(gateway: Caller, settings: Settings) -> None:
    before = everything(settings)
    right = link(settings)
    ours = (right[:10] + ("A" if right[10] != "A" else "B") + right[11:], right[:-3], f"/u/{'x' * 2000}", "/u/%00.%ff")
    confirm = f"/c/{right.removeprefix('/u/')}"
    for path in (*ours, confirm):
        for answer in (gateway.get(path), gateway.send(path, ONE_CLICK + b"&answer=yes", FORM)):
            assert (answer.status, is_a_page(answer)) == (404, True)
            assert "Nothing was changed" in answer.text
    assert everything(settings) == before
    assert gateway.refused("unsubscribe") == {"link": 8}


def test_a_body_that_is_nobodys_choice_changes_nothing(gateway: Caller, settings: Settings) -> None:
    bodies = [b"", b"List-Unsubscribe=yes", b"leave=no", b"\xff" * 40, b"a=1&" * 900, b"{}"]
    for body in bodies:
        assert gateway.send(link(settings), body, FORM).status == 400, body
    assert gateway.send(link(settings), b"x" * 5000, FORM).status == 413
    assert gateway.send(link(settings), b"--", {"Content-Type": "multipart/form-data"}).status == 400
    assert refusals(settings) == {"marketing": None, "news": None}


def test_the_link_of_a_preview_unsubscribes_nobody(gateway: Caller, settings: Settings) -> None:
    before = everything(settings)
    for answer in (gateway.get("/u/preview"), gateway.send("/u/preview", ONE_CLICK, FORM)):
        assert (answer.status, is_a_page(answer)) == (200, True)
    assert everything(settings) == before


def test_a_campaign_that_nobody_knows_any_more_is_left_all_the_same(gateway: Caller, settings: Settings) -> None:
    assert gateway.send(link(settings, "gone"), ONE_CLICK, FORM).status == 200
    assert refusals(settings) == {"marketing": "suppressed", "news": None}


def test_the_token_is_written_nowhere(
    gateway: Caller, settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = link(settings).removeprefix("/u/")

    def broken(*_: object, **__: object) -> bool:
        raise OperationalError("insert", {"token": token}, Exception(token))

    with caplog.at_level(logging.DEBUG):
        gateway.get(link(settings))
        monkeypatch.setattr(choices, "unsubscribe", broken)
        answer = gateway.send(link(settings), ONE_CLICK, FORM)
    assert (answer.status, answer.headers["retry-after"], is_a_page(answer)) == (503, "30", True)
    assert gateway.refused("unsubscribe") == {"no_store": 1}
    assert token not in caplog.text + answer.text + gateway.get("/metrics").text
    with reading(open_state(settings)) as connection:
        assert token not in str(connection.execute(select(audit_log)).all())


def test_a_consent_that_was_asked_for_counts_once_its_person_says_yes(gateway: Caller, settings: Settings) -> None:
    engine = open_state(settings)
    asked = [ConsentRow(1, "bob@example.com", "shop", NOW, "box ticked", purpose="news")]
    for expected in (1, 0):
        assert import_consents(engine, asked, NOW, double_opt_in=True).requested == expected
    bob = address_key("bob@example.com")
    path = f"/c/{confirm_token(secret_key(settings), Confirmation(bob, 'news', NOW))}"

    def refusal() -> str | None:
        with reading(engine) as connection:
            return may_mail(connection, "bob@example.com", policy="required", purpose="news")

    assert (gateway.get(path).status, head(gateway, path), refusal()) == (200, 200, "no_consent")
    assert gateway.send(path, ONE_CLICK, FORM).status == 400
    for _ in range(2):
        answer = gateway.send(path, b"answer=yes", FORM)
        assert (answer.status, is_a_page(answer), refusal()) == (200, True, None)
    assert gateway.taken("confirm") == {"accepted": 1, "duplicate": 1}
    with reading(engine) as connection:
        entries = told(connection, bob)
    assert [entry.action for entry in entries] == ["requested", "confirmed"]
    assert "box ticked" in entries[1].proof
    never = f"/c/{confirm_token(secret_key(settings), Confirmation(bob, 'marketing', NOW))}"
    assert gateway.send(never, b"answer=yes", FORM).status == 404


def leave(fault: str, folder: str) -> None:
    """Answer one click in a process that may end at `fault`."""
    import os

    from starlette.requests import Request

    os.environ["MILLSTREAM_FAULT"] = fault
    settings = Settings(MILLSTREAM_DATA_DIR=folder)
    from pipelines.gateway.metrics import Counts

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": ONE_CLICK, "more_body": False}

    token = link(settings).removeprefix("/u/")
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": "POST", "path": "/u/x", "path_params": {"token": token}, "headers": headers}
    asyncio.run(choices.Choices(settings, Counts(("unsubscribe",)), lambda: NOW).leave(Request(scope, receive)))


@pytest.mark.parametrize(
    ("fault", "is_stored"), [("unsubscribe.before_commit", False), ("unsubscribe.after_commit", True)]
)
def test_killed_before_its_answer_a_choice_is_whole_or_absent_and_is_made_again(
    settings: Settings, fault: str, is_stored: bool
) -> None:
    agree(settings)
    process = warm.FORKS.Process(target=leave, args=(fault, str(settings.data_dir)))
    process.start()
    process.join(120)
    assert process.exitcode == 137
    assert refusals(settings)["news"] == ("suppressed" if is_stored else None)
    with reading(open_state(settings)) as connection:
        assert len([one for one in told(connection, KEY, "news") if one.action == "withdrawn"]) == is_stored
    with serving(create_app(settings, clock=Clock())) as gateway:
        assert gateway.send(link(settings), ONE_CLICK, FORM).status == 200
        assert gateway.taken("unsubscribe") == {"duplicate" if is_stored else "accepted": 1}
    assert refusals(settings)["news"] == "suppressed"
