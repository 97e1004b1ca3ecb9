"""Answers of the API other than 200, in one table, and the headers that every answer has."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from pipelines.gateway.refusals import Refusal

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Answers hold what not everybody may see, and no proxy should keep them."""

UNAUTHORIZED = Refusal(401, "no valid token; send `Authorization: Bearer TOKEN` (`millstream user token` makes one)")
FORBIDDEN_PEOPLE = Refusal(403, "this answer names people, and your role may not see them")
FORBIDDEN = Refusal(403, "your role may not see this")
TOO_LARGE = Refusal(413, "the body is too large")
CUT_OFF = Refusal(408, "the body did not arrive in time")
FULL = Refusal(503, "too many questions wait already; ask again", retry_after=5)
TOO_LONG = Refusal(
    504, "the question took longer than it may (MILLSTREAM_API_SECONDS); ask for less, or for fewer days"
)
ENDED = Refusal(500, "the process that looked for the answer ended, out of memory most likely; ask for less")
UNREADABLE = Refusal(503, "the accounts can not be read now; ask again", retry_after=30)
WRONG_PASSWORD = Refusal(401, "the name or the password is wrong")
WRONG_REFRESH = Refusal(401, "this token renews nothing; sign in again")


def refusal(one: Refusal) -> Response:
    """The answer itself; whoever has no token is told how to show one."""
    more = {"WWW-Authenticate": "Bearer"} if one.status == 401 else {}
    return one.response({**HEADERS, **more})


def wrong_call(words: str) -> Response:
    """400 in the words of the command line."""
    return Response(orjson.dumps({"error": words}), 400, HEADERS, media_type="application/json")


def raw(status: int, text: bytes) -> Response:
    """An answer as a child gave it; one that is not ready yet may be asked for again."""
    headers = {**HEADERS, "Retry-After": "60"} if status == 503 else HEADERS
    return Response(text, status, headers, media_type="application/json")
