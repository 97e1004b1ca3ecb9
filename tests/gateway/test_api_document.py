"""The OpenAPI document and docs/api.md: both say what is really there."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route
from typer.core import TyperGroup

from pipelines.cli.app import app as command_line
from pipelines.gateway.api.commands import COMMANDS, Command
from pipelines.gateway.api.openapi import openapi_document
from pipelines.gateway.app import create_app
from pipelines.settings import Settings
from tests.accounts.life import PASSWORD
from tests.gateway.calling import Caller
from tests.gateway.test_api import CASES, Case

pytestmark = pytest.mark.xdist_group("api")

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
EXAMPLES = [
    shlex.split(line, comments=True)
    for block in re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    for line in block.replace("\\\n", "").splitlines()
    if line.startswith("curl")
]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document("https://figures.example/")


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["servers"] == [{"url": "https://figures.example"}]


def test_every_route_of_the_api_is_in_it_and_no_other(settings: Settings, document: dict[str, Any]) -> None:
    routes = {
        (route.path, method.lower())
        for route in create_app(settings).routes
        if isinstance(route, Route) and route.path.startswith(("/v1/api", "/v1/auth"))
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert routes == {(path, method) for path, methods in document["paths"].items() for method in methods}
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names) == len(COMMANDS) + 2


def test_every_route_is_a_command_of_the_command_line() -> None:
    tree = typer.main.get_command(command_line)
    assert isinstance(tree, TyperGroup)
    for one in COMMANDS:
        at: Any = tree
        for word in one.words.split():
            at = at.commands[word]
        assert not isinstance(at, TyperGroup), one.words


@pytest.mark.parametrize("case", [case for case in CASES if case.body is not None], ids=lambda case: case.path)
def test_a_body_that_is_answered_fits_the_schema_of_its_route(document: dict[str, Any], case: Case) -> None:
    (one,) = (one for one in COMMANDS if one.name == case.command)
    content = document["paths"][one.path]["post"]["requestBody"]["content"]
    checked = OAS31Validator({**content["application/json"]["schema"], "components": document["components"]})
    checked.validate(case.body)
    with pytest.raises(Exception, match="colour"):
        checked.validate({**case.body, "colour": "red"})


def test_each_parameter_is_told_where_it_is_taken(document: dict[str, Any]) -> None:
    for one in COMMANDS:
        operation = document["paths"][one.path][one.method.lower()]
        told = {(part["name"], part["in"]) for part in operation["parameters"]}
        assert told == taken(one), one.name
        assert all(part["required"] for part in operation["parameters"] if part["in"] == "path")
        assert set(operation["responses"]) >= {"200", "400", "401", "403", "503", "504"}


def taken(one: Command) -> set[tuple[str, str]]:
    names = {field.alias or name for name, field in one.parameters.model_fields.items()}
    inside = set(one.parameters.in_path)
    return {(name, "path") for name in inside} | {(name, "query") for name in names - inside if not one.has_body}


def test_the_guide_lists_every_route() -> None:
    rows = "".join(re.findall(r"^\| `(?:GET|POST) /v1/api.*$", GUIDE, re.MULTILINE))
    for one in COMMANDS:
        first, *rest = one.words.split()
        assert f"/v1/api/{first}" in rows or f"`{first}`" in rows, one.name
        assert not rest or re.search(rf"/v1/api/{first}/[^|]*`?{rest[0]}", rows), one.name


# --- the examples of the guide ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def variables(asked_gateway: Caller, tokens: dict[str, str]) -> dict[str, str]:
    """The variables of the guide; its address is the gateway's that is asked."""
    pair = asked_gateway.api("/v1/auth/token", {"username": "ann", "password": PASSWORD}).document
    return {"$URL": "", "$TOKEN": tokens["reader"], "$REFRESH_TOKEN": pair["refresh_token"]}


def test_the_guide_has_examples() -> None:
    assert len(EXAMPLES) >= 10
    assert {"/v1/auth/token", "/v1/auth/refresh"} < {word.removeprefix("$URL") for words in EXAMPLES for word in words}


@pytest.mark.parametrize("words", EXAMPLES, ids=lambda words: next(word for word in words if "$URL" in word)[:60])
def test_an_example_of_the_guide_is_answered(
    asked_gateway: Caller, variables: dict[str, str], words: list[str]
) -> None:
    filled = []
    for word in words:
        for name, value in sorted(variables.items(), reverse=True):
            word = word.replace(name, value)
        filled.append(word)
    assert filled[:2] == ["curl", "-s"]
    headers = dict(part.split(": ", 1) for option, part in pairwise(filled) if option == "-H")
    bodies = [part.encode() for option, part in pairwise(filled) if option == "-d"]
    (path,) = (word for word in filled if word.startswith("/v1/"))
    # As curl does where it is told nothing else.
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if bodies else {}
    answer = asked_gateway.api(path, bodies[0] if bodies else None, headers={**kind, **headers})
    assert answer.status == 200, answer.text
