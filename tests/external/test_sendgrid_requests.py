"""What we ask SendGrid for is what its own OpenAPI document allows: by a mock made of it, and by a validator."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from pydantic import SecretStr
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from pipelines.mail import Mail
from pipelines.mail.sendgrid import SendGrid
from pipelines.mail.sendgrid_body import body
from tests.external.sendgrid_document import SEND, sending
from tests.mail.mails import MAIL

PRISM = Path(__file__).parents[1] / "gateway" / "node" / "node_modules" / ".bin" / "prism"
MAILS = {
    "a plain one": MAIL,
    "a long one": replace(MAIL, html=f"<p>{'Grüße 🌊 ' * 9000}</p>", text="Grüße\r\n" * 900, subject="Grüße 🌊 " * 20),
    "one without a name": replace(MAIL, from_name="", variant="B", occurrence="2026-11-24"),
    "one to a domain beyond ASCII": replace(MAIL, to="ann@bücher.example", from_name="A; B, C"),
    "one without text": replace(MAIL, text=""),
}
WRONG: dict[str, dict[str, Any]] = {
    "no sender": {"from": None},
    "a bad address": {"from": {"email": "nobody"}},
    "no content's kind": {"content": [{"value": "x"}]},
    "an empty part": {"content": [{"type": "text/plain", "value": ""}]},
    "a subject that is a number": {"subject": 7},
}


@pytest.fixture(scope="module")
def document(material: Path) -> dict[str, Any]:
    return sending(material)


@pytest.fixture(scope="module")
def prism(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The mock, which judges each request by the document."""
    node = shutil.which("node")
    assert node is not None, "node is not installed"
    assert PRISM.exists(), "Prism is not installed: npm ci --prefix tests/gateway/node --ignore-scripts"
    file = tmp_path_factory.mktemp("prism") / "sending.json"
    file.write_text(json.dumps(document))
    command = [node, str(PRISM), "mock", str(file), "-h", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            told = ""
            for line in process.stdout:
                told += line
                if "is listening on " in line:
                    break
            assert "is listening on " in told, told
            yield told.rsplit("is listening on ", 1)[1].strip()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def validator(document: dict[str, Any]) -> OAS31Validator:
    registry = Registry().with_resource("urn:sendgrid", DRAFT202012.create_resource(document))
    way = "#/x-files/spec~1paths~1mail_send~1mail_send.json/mail_send/post/requestBody/content/application~1json/schema"
    return OAS31Validator({"$ref": f"urn:sendgrid{way}"}, registry=registry, format_checker=oas31_format_checker)


def changed(mail: Mail, changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**body(mail), **changes}.items() if value is not None}


def test_the_mock_accepts_every_mail(prism: str) -> None:
    with closing(SendGrid(SecretStr("SG.any"), base=prism, seconds=20)) as mailer:
        told = {name: mailer.hand_over(mail) for name, mail in MAILS.items()}
    assert {name: (result.outcome, result.status) for name, result in told.items()} == dict.fromkeys(
        MAILS, ("accepted", 202)
    )


def test_the_mock_refuses_what_is_wrong_and_we_reject_that_mail(prism: str) -> None:
    with httpx.Client(base_url=prism, headers={"Authorization": "Bearer SG.any"}) as client:
        for name, changes in WRONG.items():
            answer = client.post(SEND, json=changed(MAIL, changes))
            assert (name, answer.status_code) == (name, 400)
        # Whom the document does not take for an address is one mail that never will be sent.
        mailer = SendGrid(SecretStr("SG.any"), base=prism, seconds=20)
        with closing(mailer):
            assert mailer.hand_over(replace(MAIL, to="ann@nowhere at all")).outcome == "rejected"
    assert httpx.post(f"{prism}{SEND}", json=body(MAIL)).status_code == 401


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS.keys())
def test_every_mail_holds_before_the_document(validator: OAS31Validator, mail: Mail) -> None:
    assert [error.message for error in validator.iter_errors(body(mail))] == []


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_the_document_knows_what_is_wrong(validator: OAS31Validator, changes: dict[str, Any]) -> None:
    assert not validator.is_valid(changed(MAIL, changes))
