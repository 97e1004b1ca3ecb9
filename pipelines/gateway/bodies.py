"""Read a request's body, up to a size and within a time."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

SECONDS = 15.0
"""A body that takes longer is not waited for."""
_READ_ON = 8
"""So many times the limit is read and dropped, so that its sender sees the answer and not a broken pipe."""


class TooLargeError(Exception):
    """The body is larger than the limit."""


class CutOffError(Exception):
    """The body did not arrive whole."""


async def read_body(request: Request, limit: int) -> bytes:
    """The raw bytes of the body.

    Raises:
        TooLargeError: there are more than `limit`; CutOffError: they did not come.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                size += len(part)
                if size <= limit:
                    parts.append(part)
                elif size > limit * _READ_ON:
                    break
    except (TimeoutError, ClientDisconnect):
        raise CutOffError from None
    if size > limit:
        raise TooLargeError
    return b"".join(parts)
