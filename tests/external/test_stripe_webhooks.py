"""Signature vectors that no one here made: our verdict is theirs, also over HTTP."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.gateway.app import create_app
from pipelines.settings import Settings
from pipelines.stripe.webhooks import RefusedError, verify
from tests.gateway.calling import serving

MATERIAL = Path(os.environ["MILLSTREAM_TEST_MATERIAL"]) / "stripe"
VECTORS: list[dict[str, Any]] = json.loads((MATERIAL / "webhook_signature_vectors_basic.json").read_text())


def test_there_are_vectors_of_both_verdicts() -> None:
    assert {vector["valid"] for vector in VECTORS} == {True, False}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_the_verdict_is_that_of_the_vector(
    vector: dict[str, Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.fromtimestamp(vector["now"], UTC)
    try:
        verify(
            vector["payload"].encode(),
            vector["header"],
            [vector["secret"].encode()],
            now=now,
            tolerance=timedelta(seconds=vector["tolerance_seconds"]),
        )
        is_valid = True
    except RefusedError:
        is_valid = False
    assert is_valid == vector["valid"], vector["why"]
    assert vector["tolerance_seconds"] == 300
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", vector["secret"])
    with serving(create_app(Settings(), clock=lambda: now)) as gateway:
        answer = gateway.post(vector["payload"].encode(), {"Stripe-Signature": vector["header"]})
    assert answer.status == (200 if vector["valid"] else 400)
