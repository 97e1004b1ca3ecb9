"""Mails in the outbox are whole, well formed and can not be bent by what people are called."""

from __future__ import annotations

import email
import os
from dataclasses import replace
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mail import Outbox, to_bytes
from tests.mail.mails import MAIL


def read(mail):
    return email.message_from_bytes(to_bytes(mail), policy=default)


def test_a_mail_carries_what_one_click_unsubscribing_needs():
    message = read(MAIL)
    assert message["List-Unsubscribe"] == f"<{MAIL.unsubscribe_url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["X-Millstream-Key"] == MAIL.key
    assert message["Message-ID"] == f"<{MAIL.message_id}>"
    assert message["From"].addresses[0].display_name == "Example, Inc. \u00fc"


def test_the_link_stands_in_the_file_as_it_is():
    assert f"\r\nList-Unsubscribe: <{MAIL.unsubscribe_url}>\r\n".encode() in to_bytes(MAIL)


def test_text_comes_before_html():
    parts = [part.get_content_type() for part in read(MAIL).iter_parts()]
    assert parts == ["text/plain", "text/html"]


@given(st.text(max_size=200))
def test_no_subject_adds_a_header(subject):
    names = [name for name, _ in read(MAIL).items()]
    message = read(replace(MAIL, subject=f"a {subject}\r\nBcc: x@example.com\n\nbody"))
    assert [name for name, _ in message.items()] == names
    assert [address.addr_spec for address in message["To"].addresses] == ["ann@example.com"]


@given(st.text(max_size=80))
def test_no_sender_name_adds_a_header(name):
    message = read(replace(MAIL, from_name=f"{name}\r\nBcc: x@example.com"))
    assert message["Bcc"] is None
    assert [address.addr_spec for address in message["From"].addresses] == ["hello@example.com"]


@pytest.mark.parametrize("to", ["a@b.com\r\nBcc: c@d.com", "a@b.com\n", "@b.com", "a@", ""])
def test_what_is_no_address_is_not_written(tmp_path, to):
    result = Outbox(tmp_path).hand_over(replace(MAIL, to=to))
    assert result.outcome == "rejected"
    assert not list(tmp_path.rglob("*.eml"))


@given(st.text(max_size=300))
def test_any_text_survives(text):
    message = read(replace(MAIL, text=text))
    lines = message.get_body(("plain",)).get_content().splitlines()
    assert "".join(lines) == "".join(text.encode("utf-8", "replace").decode().splitlines())


def test_an_accepted_mail_is_a_whole_file(tmp_path):
    outbox = Outbox(tmp_path / "outbox")
    result = outbox.hand_over(MAIL)
    assert result.outcome == "accepted"
    assert result.message_id == MAIL.message_id
    (file,) = (tmp_path / "outbox" / "win-back").iterdir()
    assert file.name == f"{MAIL.key}-1.eml"
    assert file.read_bytes().endswith(b"--\r\n")
    assert outbox.handed_over("win-back") == {MAIL.key: 1}
    outbox.hand_over(replace(MAIL, attempt=2))
    assert outbox.handed_over("win-back") == {MAIL.key: 2}


def test_a_disk_that_refuses_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    result = Outbox(tmp_path).hand_over(MAIL)
    assert (result.outcome, result.reason) == ("not_sent", "No space left on device")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
