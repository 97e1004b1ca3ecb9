"""The Segment tracking API: who sends, in what packing, and what is answered. What a message is, `events` knows.

2xx only when every message of the body is on disk: the good ones as lines to load, the bad ones beside their
reason. A crash between the disk and the answer lets the sender send again: what was good is known by its id, what
was bad is set aside a second time.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime

import orjson
from starlette.requests import Request
from starlette.responses import Response

from pipelines.events.body import read_body, unpack
from pipelines.events.collect import BODY_LIMIT, Collected, collect
from pipelines.gateway.bodies import read_body as read_raw
from pipelines.gateway.keys import KeyRing
from pipelines.gateway.metrics import Counts
from pipelines.landing import Appender

SOURCE = "events"
"""The name of these deliveries among the figures."""
PATHS = {
    **{f"/v1/{kind}": kind for kind in BODY_LIMIT},
    # As the browser's client calls them.
    "/v1/t": "track",
    "/v1/i": "identify",
    "/v1/p": "page",
    "/v1/s": "screen",
    "/v1/g": "group",
    "/v1/a": "alias",
    "/v1/b": "batch",
}
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
"""Pages of any site may send: a key is all that counts, and no cookie is ever read."""

_HEADERS = re.compile(r"[A-Za-z0-9, -]{1,500}")
_ALL_GOOD = b'{"success":true}'
_TOLD = 20
"""So many bad messages are named in an answer."""


class EncodingError(Exception):
    """A packing other than gzip."""

    reason = "encoding"


class Collector:
    """Takes the bodies of one gateway."""

    def __init__(self, journal: Appender, keys: KeyRing, counts: Counts, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._keys = keys
        self._counts = counts
        self._clock = clock

    async def take(self, request: Request) -> Response:
        """Bring the messages of one body to disk; when this returns they are there.

        Raises:
            UnknownKeyError, UnreadableKeysError: the sender is not known.
            TooLargeError, CutOffError, EncodingError, UnreadableBodyError: there is nothing to take.
            OverloadedError, NotStoredError: it was not kept, or not all of it; to be sent again.
        """
        kind = PATHS[request.scope["path"]]
        raw = await read_raw(request, BODY_LIMIT[kind])
        key = basic_key(request.headers.get("authorization"))
        now = self._clock()
        # Who names his key in the header is known before his body is read.
        source = await self._keys.source_of(key, now=now) if key else None
        body = read_body(_plain(raw, request.headers.get("content-encoding"), BODY_LIMIT[kind]))
        if source is None:
            source = await self._keys.source_of(body.write_key, now=now)
        collected = collect(body, kind, source=source, received_at=now)
        waiting = [self._journal.append(label, lines, now=now) for label, lines in collected.records]
        for done in waiting:
            await asyncio.shield(asyncio.wrap_future(done))
        self._counts.took(SOURCE, "accepted")
        self._counts.messages(source, collected.accepted, [problem.reason for _, problem in collected.set_aside])
        return Response(_answer(collected), media_type="application/json", headers=ANY_ORIGIN)


def preflight(request: Request) -> Response:
    """What a browser asks before it sends."""
    asked = request.headers.get("access-control-request-headers", "")
    headers = {
        **ANY_ORIGIN,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": asked if _HEADERS.fullmatch(asked) else "Authorization, Content-Type",
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers=headers)


def basic_key(header: str | None) -> str | None:
    """The write key of a Basic header: its user name."""
    scheme, _, given = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _plain(raw: bytes, encoding: str | None, limit: int) -> bytes:
    packing = (encoding or "identity").strip().lower()
    if packing == "identity":
        return raw
    if packing not in ("gzip", "x-gzip"):
        raise EncodingError
    return unpack(raw, limit)


def _answer(collected: Collected) -> bytes:
    """The answer that Segment gives; where messages were bad, which and why."""
    if not collected.set_aside:
        return _ALL_GOOD
    told = [{"index": place, "reason": problem.words} for place, problem in collected.set_aside[:_TOLD]]
    return orjson.dumps({"success": True, "set_aside": len(collected.set_aside), "reasons": told})
