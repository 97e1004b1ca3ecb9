"""What a body says, as JSON that can be written down again; what sound clients send and strict readers refuse too.

Python's own client writes NaN, JavaScript's writes half of an emoji where a text was cut, and ids have more digits
than a double: such a body is read by Python's slower reader. NaN and infinity become null, half an emoji becomes
U+FFFD, long numbers stay as they are.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import orjson

_DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_LONG = b"0" * 19
"""From so many digits on a number may not fit into 64 bits."""
_GZIP = 16 + zlib.MAX_WBITS
_HALF = re.compile("[\ud800-\udfff]")


_FAST_CANONICAL = partial(orjson.dumps, option=orjson.OPT_SORT_KEYS)


class UnreadableBodyError(Exception):
    """No messages can be taken out of a body; nothing of it is kept."""


class TooLargeBodyError(Exception):
    """A body is larger than its limit when unpacked."""


@dataclass(frozen=True)
class Body:
    """One body: its JSON object, and how to write down again what stands in it."""

    document: dict[str, Any]
    _encode: Callable[[Any], bytes] = orjson.dumps
    _canonical: Callable[[Any], bytes] = _FAST_CANONICAL

    def encode(self, value: Any) -> bytes:
        """A value of the body on one line; moments may stand in it.

        Raises:
            UnreadableBodyError: it is nested deeper than can be written.
        """
        return _written(self._encode, value)

    def canonical(self, value: Any) -> bytes:
        """The same for equal values, whatever the order of their keys."""
        return _written(self._canonical, value)

    @property
    def write_key(self) -> str | None:
        """The key that the body itself names."""
        found = self.document.get("writeKey")
        return found if isinstance(found, str) and found else None


def read_body(body: bytes) -> Body:
    """A body as a JSON object.

    Raises:
        UnreadableBodyError: it is none.
    """
    try:
        document, is_plain = orjson.loads(body), True
    except orjson.JSONDecodeError:
        document, is_plain = _read_slowly(body), False
    if not isinstance(document, dict):
        raise UnreadableBodyError("no JSON object")
    if is_plain and _LONG in body.translate(_DIGITS):
        document, is_plain = _read_slowly(body), False
    return Body(document) if is_plain else Body(document, _write_slowly, partial(_write_slowly, sort_keys=True))


def unpack(body: bytes, limit: int) -> bytes:
    """What was packed with gzip, up to `limit` bytes of it.

    Raises:
        UnreadableBodyError: it is broken or cut off; TooLargeBodyError: there is more.
    """
    unpacked = b""
    while body:
        packed = zlib.decompressobj(wbits=_GZIP)
        try:
            unpacked += packed.decompress(body, limit + 1 - len(unpacked))
        except zlib.error:
            raise UnreadableBodyError("broken compression") from None
        if len(unpacked) > limit:
            raise TooLargeBodyError
        if not packed.eof:
            raise UnreadableBodyError("compression that is cut off")
        body = packed.unused_data
    return unpacked


def _written(encode: Callable[[Any], bytes], value: Any) -> bytes:
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError):
        # It was read, so it is no question of types: readers go deeper than writers.
        raise UnreadableBodyError("nested too deeply") from None


def _read_slowly(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        raise UnreadableBodyError("no JSON") from None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _write_slowly(value: Any, *, sort_keys: bool = False) -> bytes:
    text = json.dumps(
        value,
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
        sort_keys=sort_keys,
        default=datetime.isoformat,
    )
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", text).encode()
