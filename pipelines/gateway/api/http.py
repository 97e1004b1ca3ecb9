"""The API's routes: who asks, whether they may, what they gave; then a child is asked.

Nothing of a request is logged: not its values, not its path's, not who asked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.accounts import ACCESS, REFRESH, Pair, WaitError, WrongPasswordError, may
from pipelines.errors import UsageError
from pipelines.gateway.accounts import Accounts, BusyAccountsError, UnreadableAccountsError
from pipelines.gateway.api import told
from pipelines.gateway.api.commands import COMMANDS, Command
from pipelines.gateway.api.parameters import Parameters, check
from pipelines.gateway.api.signing import Credentials, Renewal
from pipelines.gateway.api.workers import EndedError, FullError, TooLongError, Workers
from pipelines.gateway.bodies import CutOffError, TooLargeError, read_body
from pipelines.gateway.metrics import Counts
from pipelines.gateway.refusals import Refusal
from pipelines.settings import Settings

BODY_LIMIT = 256 * 1024
SIGN_IN_LIMIT = 4096
_TOKEN_LIMIT = 200

_REFUSALS: dict[type[Exception], Refusal] = {
    TooLargeError: told.TOO_LARGE,
    CutOffError: told.CUT_OFF,
    FullError: told.FULL,
    BusyAccountsError: told.FULL,
    TooLongError: told.TOO_LONG,
    EndedError: told.ENDED,
    UnreadableAccountsError: told.UNREADABLE,
    WrongPasswordError: told.WRONG_PASSWORD,
}


class _RefusedError(Exception):
    """Not for this one."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.words)
        self.refusal = refusal


class Api:
    """The API of one gateway."""

    def __init__(self, settings: Settings, counts: Counts, clock: Callable[[], datetime], environment: dict[str, str]):
        self._accounts = Accounts(settings, clock)
        self._workers = Workers(environment, size=settings.api_workers, seconds=settings.api_seconds)
        self._counts = counts
        self._openapi: bytes | None = None

    def routes(self) -> list[Route]:
        """Every route of the API and of signing in."""
        return [
            Route("/v1/auth/token", partial(self._take, "auth_token", self._sign_in), methods=["POST"]),
            Route("/v1/auth/refresh", partial(self._take, "auth_refresh", self._renew), methods=["POST"]),
            Route("/v1/openapi.json", partial(self._take, "openapi", self._document)),
            *(
                Route(one.path, partial(self._take, one.name, partial(self._ask, one)), methods=[one.method])
                for one in COMMANDS
            ),
        ]

    async def close(self) -> None:
        """End the children."""
        self._accounts.close()
        await self._workers.close()

    async def _take(self, name: str, answer: Callable[[Request], Any], request: Request) -> Response:
        """The answer, counted; whatever stands in its way becomes one as well."""
        try:
            response: Response = await answer(request)
        except UsageError as problem:
            response = told.wrong_call(str(problem))
        except WaitError as problem:
            response = told.refusal(Refusal(429, str(problem), retry_after=problem.seconds))
        except _RefusedError as problem:
            response = told.refusal(problem.refusal)
        except tuple(_REFUSALS) as problem:
            response = told.refusal(_REFUSALS[type(problem)])
        self._counts.asked(name, response.status_code)
        return response

    async def _ask(self, command: Command, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not 0 < len(token) <= _TOKEN_LIMIT:
            raise _RefusedError(told.UNAUTHORIZED)
        holder = await self._accounts.holder(token)
        if holder is None:
            raise _RefusedError(told.UNAUTHORIZED)
        if not may(holder.role, command.needs):
            raise _RefusedError(told.FORBIDDEN)
        given, body = await _given(command, request)
        sees_people = may(holder.role, "people")
        if given.names_people:
            if not sees_people:
                raise _RefusedError(told.FORBIDDEN_PEOPLE)
            await self._accounts.note_people(holder, command.name)
        asked = self._workers.ask(command.name, given.model_dump(), body, sees_people=sees_people)
        return told.raw(*await asked)

    async def _document(self, _: Request) -> Response:
        """`GET /v1/openapi.json`: says nothing of anybody's data, so it needs no token."""
        if self._openapi is None:
            status, text = await self._workers.ask("openapi", {}, "")
            if status != 200:
                return told.raw(status, text)
            self._openapi = text
        return told.raw(200, self._openapi)

    async def _sign_in(self, request: Request) -> Response:
        """`POST /v1/auth/token`."""
        given = check(Credentials, _object(await read_body(request, SIGN_IN_LIMIT)))
        return _pair(await self._accounts.sign_in(given.username, given.password.get_secret_value()))

    async def _renew(self, request: Request) -> Response:
        """`POST /v1/auth/refresh`."""
        given = check(Renewal, _object(await read_body(request, SIGN_IN_LIMIT)))
        try:
            return _pair(await self._accounts.renew(given.refresh_token.get_secret_value()))
        except WrongPasswordError:
            raise _RefusedError(told.WRONG_REFRESH) from None


async def _given(command: Command, request: Request) -> tuple[Parameters, str]:
    """The parameters, from path and query or from path and body, and the document.

    Raises:
        UsageError: one that can not be meant; TooLargeError, CutOffError: the body did not come.
    """
    lists = {
        field.alias or name
        for name, field in command.parameters.model_fields.items()
        if str(field.annotation).startswith("list")
    }
    if command.has_body and request.query_params:
        raise UsageError(f"{next(iter(request.query_params))[:40]}: belongs into the body.")
    given: dict[str, Any] = {}
    for name, value in [*request.path_params.items(), *request.query_params.multi_items()]:
        if name in lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise UsageError(f"{name[:40]}: stands twice.")
        else:
            given[name] = value
    body = ""
    if command.method == "POST":
        raw = await read_body(request, BODY_LIMIT)
        if command.has_body:
            inside = _object(raw)
            if twice := sorted(given.keys() & inside.keys()):
                raise UsageError(f"{twice[0]}: stands twice.")
            given |= inside
        else:
            body = _text(raw)
    return check(command.parameters, given), body


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise UsageError("the body is no JSON object.")
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UsageError("the body is no text in UTF-8.") from None


def _pair(pair: Pair) -> Response:
    answer = {
        "access_token": pair.access,
        "token_type": "Bearer",
        "expires_in": int(ACCESS.total_seconds()),
        "refresh_token": pair.refresh,
        "refresh_expires_in": int(REFRESH.total_seconds()),
    }
    return told.raw(200, orjson.dumps(answer))
