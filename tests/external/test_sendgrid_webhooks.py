"""SendGrid's signatures and events as other projects recorded them: our verdict is theirs, also over HTTP."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pipelines.delivery.webhook import SIGNATURE, TIMESTAMP
from pipelines.gateway.app import create_app
from pipelines.privacy import address_key, may_mail
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from pipelines.state.tables import mail_events
from tests.gateway.calling import NOW, serving
from tests.gateway.sendgrid import body_of, public_key, signed

MATERIAL = Path(os.environ["MILLSTREAM_TEST_MATERIAL"]) / "sendgrid"
VECTORS: list[dict[str, Any]] = json.loads((MATERIAL / "event_webhook_signature_vectors.json").read_text())
SIGNED_AT = datetime.fromtimestamp(1600112502, UTC)
"""When the one that is valid was signed."""


def test_there_are_vectors_of_both_verdicts() -> None:
    assert {vector["valid"] for vector in VECTORS} == {True, False}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_the_verdict_is_that_of_the_vector(
    vector: dict[str, Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDGRID_WEBHOOK_PUBLIC_KEY", vector["public_key"])
    headers = {SIGNATURE: vector["signature"], TIMESTAMP: vector["timestamp"]}
    with serving(create_app(Settings(), clock=lambda: SIGNED_AT)) as gateway:
        answer = gateway.send("/webhooks/sendgrid", vector["payload"].encode(), headers)
        assert answer.status == (200 if vector["valid"] else 400)
        assert gateway.refused("sendgrid") == ({} if vector["valid"] else {"signature": 1})
    with reading(open_state(settings)) as connection:
        refusal = may_mail(connection, "hello@world.com", policy="customers", pays=True)
    # The event is of an address that bounced.
    assert refusal == ("suppressed" if vector["valid"] else None)


def test_every_recorded_event_is_applied_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_WEBHOOK_PUBLIC_KEY", public_key())
    cases = json.loads((MATERIAL / "event_payloads_basic.json").read_text())["events"]
    with serving(create_app(Settings(), clock=lambda: NOW)) as gateway:
        for case in cases:
            body = body_of(*case["payload"])
            assert gateway.send("/webhooks/sendgrid", body, signed(body)).status == 200, case["id"]
    with reading(open_state(settings)) as connection:
        rows = {row.event_id: row for row in connection.execute(select(mail_events))}
        bounced = next(case["expected"] for case in cases if case["expected"]["event_type"] == "bounced")
        assert may_mail(connection, bounced["recipient"], policy="customers", pays=True) == "suppressed"
    for case in cases:
        row, (told,) = rows[case["expected"]["event_id"]], case["payload"]
        expected = (told["event"], address_key(case["expected"]["recipient"]), False, told["timestamp"])
        assert (row.event, row.address_key, row.is_machine, row.event_at.timestamp()) == expected
