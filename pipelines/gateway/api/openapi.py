"""The OpenAPI document, made of the table of commands and of the models that check requests.

There is nothing beside them to keep up to date: a parameter that a model gains is in the document, and a route that is
not in the table does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pipelines.gateway.api.commands import COMMANDS, Command
from pipelines.gateway.api.parameters import Parameters
from pipelines.gateway.api.signing import Credentials, Problem, Renewal, Signed

_REF = "#/components/schemas/{model}"
_ERRORS = {
    "400": "The call is wrong: what, and the correct form, in the words of the command line (there: exit code 2).",
    "401": "No valid token.",
    "403": "The role may not see this.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "422": "The question or its answer is too large.",
    "500": "It failed (on the command line: exit code 1).",
    "503": "Nothing is published yet, or too many questions wait; ask again after `Retry-After` seconds.",
    "504": "The question took longer than it may.",
}
_SIGNING_ERRORS = {
    "400": _ERRORS["400"],
    "401": "The name, the password or the token is wrong.",
    "429": "Too many wrong passwords for this name; try again after `Retry-After` seconds.",
    "503": "Too many sign in at once, or the accounts can not be read; try again after `Retry-After` seconds.",
}


def openapi_document(server: str) -> dict[str, Any]:
    """The document of every route of the API, reached at `server`."""
    documents = {command.name: command.document() for command in COMMANDS if command.document}
    models: list[type[BaseModel]] = [Credentials, Problem, Renewal, Signed, *documents.values()]
    models += [command.parameters for command in COMMANDS if command.has_body and not command.parameters.in_path]
    unique = list(dict.fromkeys(models))
    keyed, definitions = models_json_schema([(model, "validation") for model in unique], ref_template=_REF)
    schemas = {model: keyed[model, "validation"] for model in unique}
    paths: dict[str, dict[str, Any]] = {}
    for command in COMMANDS:
        body = _body(command, documents, schemas)
        paths.setdefault(command.path, {})[command.method.lower()] = _operation(command, body)
    signed = schemas[Signed]
    paths["/v1/auth/token"] = {"post": _signing("auth_token", "Sign in.", schemas[Credentials], signed)}
    paths["/v1/auth/refresh"] = {"post": _signing("auth_refresh", "Renew a sign-in.", schemas[Renewal], signed)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Millstream",
            "version": version("millstream"),
            "description": "What the command line's reading commands answer, over HTTP.",
        },
        "servers": [{"url": server.rstrip("/")}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(command: Command, body: dict[str, Any] | None) -> dict[str, Any]:
    schema = {"type": "object", "required": list(command.tells)}
    found: dict[str, Any] = {
        "operationId": command.name,
        "summary": command.summary,
        "description": f"`millstream {command.words}` with `--json`.{_who(command)}",
        "parameters": list(_parameters(command)),
        "responses": {"200": _content("The answer.", schema), **_errors(_ERRORS)},
    }
    return found if body is None else {**found, "requestBody": {"required": True, **body}}


def _who(command: Command) -> str:
    return " For admins." if command.needs == "installation" else ""


def _parameters(command: Command) -> Iterable[dict[str, Any]]:
    model = command.parameters
    schema = model.model_json_schema()
    for name, one in schema.get("properties", {}).items():
        place = "path" if name in model.in_path else "query"
        if place == "query" and command.has_body:
            continue
        description = one.pop("description", None)
        found = {"name": name, "in": place, "required": name in schema.get("required", []), "schema": one}
        yield found if description is None else {**found, "description": description}


def _body(
    command: Command, documents: dict[str, type[BaseModel]], schemas: dict[type[BaseModel], dict[str, Any]]
) -> dict[str, Any] | None:
    if command.name in documents:
        return {"content": {"application/json": {"schema": schemas[documents[command.name]]}}}
    if not command.has_body:
        return None
    schema = _without(command.parameters) if command.parameters.in_path else schemas[command.parameters]
    return {"content": {"application/json": {"schema": schema}}}


def _without(model: type[Parameters]) -> dict[str, Any]:
    """The model's schema without what is in the path."""
    schema = model.model_json_schema()
    for name in model.in_path:
        schema["properties"].pop(name)
    schema["required"] = [name for name in schema.get("required", []) if name not in model.in_path]
    return schema


def _signing(name: str, summary: str, asked: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
        "responses": {"200": _content("Both tokens.", given), **_errors(_SIGNING_ERRORS)},
    }


def _errors(errors: dict[str, str]) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=Problem.__name__)}
    return {status: _content(words, schema) for status, words in errors.items()}


def _content(words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}
