"""What is asked of SendGrid's lists stands in SendGrid's own OpenAPI document, and so does what is read of the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.delivery.sendgrid_lists import reconcile_lists
from pipelines.demo.sendgrid_account import SendGridAccount
from pipelines.demo.sendgrid_server import serving
from pipelines.privacy import may_mail
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from tests.gateway.calling import NOW


def resolved(document: dict[str, Any], found: Any) -> Any:
    """A part of the document, with its reference followed."""
    while isinstance(found, dict) and "$ref" in found:
        part: Any = document
        for name in found["$ref"].removeprefix("#/").split("/"):
            part = part[name.replace("~1", "/").replace("~0", "~")]
        found = part
    return found


class Recording(SendGridAccount):
    """The fake account, told from the document: its lists are the document's examples, and it notes what is asked."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__()
        self.document = document
        self.asked: list[tuple[str, str]] = []

    def reply(self, method: str, target: str, headers: Any, body: bytes) -> Any:
        self.asked.append((method, target))
        return super().reply(method, target, headers, body)


def test_every_question_is_in_the_document_and_every_example_is_understood(
    settings: Settings, material: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads((material / "sendgrid" / "v3_openapi_bundled.json").read_text())
    account = Recording(document)
    examples: dict[str, list[dict[str, Any]]] = {}
    for path in [name for name in document["paths"] if name.startswith(("/v3/suppression/", "/v3/asm/suppressions"))]:
        asked = resolved(document, document["paths"][path]).get("get")
        if asked and "{" not in path:
            content = resolved(document, asked["responses"]["200"])["content"]["application/json"]
            value = content.get("examples", {}).get("response", {}).get("value")
            if isinstance(value, list):
                examples[path] = account.lists[path.rpartition("/")[2]] = value
    with serving(account) as base:
        monkeypatch.setenv("SENDGRID_API_KEY", "SG.test")
        monkeypatch.setenv("SENDGRID_API_BASE", base)
        found = reconcile_lists(Settings(), open_state(settings), now=NOW)
    assert len(account.asked) == found.requests == 6
    for method, target in account.asked:
        path, _, query = target.partition("?")
        asked = resolved(document, resolved(document, document["paths"][path])["get"])
        assert method == "GET"
        known = {resolved(document, one)["name"]: resolved(document, one) for one in asked.get("parameters", [])}
        for name, _, value in (part.partition("=") for part in query.split("&") if part):
            assert resolved(document, known[name]["schema"])["type"] == "integer"
            assert value.isdigit()
    assert {one.bad for one in found.lists} == {0}
    assert sum(one.theirs for one in found.lists) == sum(
        len(rows)
        for path, rows in examples.items()
        if path in {target.partition("?")[0] for _, target in account.asked}
    )
    left = examples["/v3/suppression/unsubscribes"] + examples["/v3/asm/suppressions"]
    with reading(open_state(settings)) as connection:
        for row in left:
            assert may_mail(connection, row["email"], policy="customers", pays=True) == "suppressed"
