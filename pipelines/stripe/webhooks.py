"""Stripe's webhooks: who sent it, when, whether it came before; and then onto the disk.

A delivery counts when its signature over the raw body fits one of our secrets and its time is
within 300 seconds of now, before or after: Stripe's own library takes any time ahead of now. What
passed is landed as it came, under the account and mode that it names, and loaded like any event;
the sync takes it as a sign that an object changed. Nothing is decided here about what it means.

A crash before the journal has it leaves Stripe without an answer, and it delivers again. After
that it is known, and a second delivery is answered and dropped. The ids that are known are held in
memory, the newest ones only: an older duplicate is landed again, and changes nothing when loaded.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import orjson

from pipelines.landing import Appender, Label
from pipelines.settings import Settings

TOLERANCE = timedelta(seconds=300)
LIMIT = 1024 * 1024
"""Bytes of a delivery; Stripe's largest are some tens of thousands."""
KNOWN = 100_000
"""Ids that are remembered."""

SOURCE = "webhook"
_THIN = "v2.core.event"
_TIME = re.compile(r"\d{1,12}")
_ACCOUNT = re.compile(r"acct_[A-Za-z0-9_]{1,64}")

Reason = Literal["no_secret", "signature", "expired", "future", "malformed"]
Outcome = Literal["accepted", "duplicate"]
Key = tuple[str, str, str]
"""Account, mode and id of an event."""


class RefusedError(Exception):
    """A delivery that is not taken, and why; nothing of it is kept."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Delivery:
    """One event as it was delivered: its key, and its body as one line."""

    key: Key
    line: bytes


def secrets_of(settings: Settings) -> tuple[bytes, ...]:
    """The signing secrets: one per endpoint at Stripe, and two of one endpoint while it is rolled."""
    given = settings.stripe_webhook_secret
    parts = given.get_secret_value().split(",") if given else []
    return tuple(part.strip().encode() for part in parts if part.strip())


def verify(
    body: bytes, header: str | None, secrets: Sequence[bytes], *, now: datetime, tolerance: timedelta = TOLERANCE
) -> None:
    """Check `Stripe-Signature` over the raw body.

    Raises:
        RefusedError: no secret is set, no signature fits, or the signed time is too far from now.
    """
    if not secrets:
        raise RefusedError("no_secret")
    given = [part.strip().partition("=")[::2] for part in (header or "").split(",")]
    times = [value for name, value in given if name == "t"]
    signatures = [value.encode("latin-1", "replace") for name, value in given if name == "v1"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        raise RefusedError("signature")
    signed = times[0].encode() + b"." + body
    expected = [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    # Every pair is compared, each in constant time.
    fits = [hmac.compare_digest(one, signature) for one in expected for signature in signatures]
    if not any(fits):
        raise RefusedError("signature")
    age = now.timestamp() - int(times[0])
    if age > tolerance.total_seconds():
        raise RefusedError("expired")
    if -age > tolerance.total_seconds():
        raise RefusedError("future")


def read_delivery(body: bytes) -> Delivery:
    """What a verified body is: an event with its object, or a thin one that only names it.

    Raises:
        RefusedError: it is no event of Stripe's.
    """
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedError("malformed") from None
    if not isinstance(told, dict) or told.get("object") not in ("event", _THIN) or not told.get("id"):
        raise RefusedError("malformed")
    # A line break inside a JSON string is always escaped, so this keeps every value.
    line = body.replace(b"\r", b" ").replace(b"\n", b" ").strip()
    return Delivery(key_of(told), line)


def key_of(told: dict[str, object]) -> Key:
    """Under which account, mode and id an event is known.

    A connected account's events name it; a thin event does so in its context (`a/b`: b within a).
    """
    named = told.get("account") or str(told.get("context") or "").rpartition("/")[2]
    account = named if isinstance(named, str) and _ACCOUNT.fullmatch(named) else "default"
    return account, "live" if told.get("livemode") is True else "test", str(told["id"])


class Inbox:
    """Takes deliveries one after the other, from one event loop, and knows the newest it took."""

    def __init__(self, journal: Appender, secrets: Sequence[bytes], *, known: int = KNOWN) -> None:
        self._journal = journal
        self._secrets = tuple(secrets)
        self._limit = known
        self._known: OrderedDict[Key, None] = OrderedDict()
        self._on_their_way: dict[Key, Future[None]] = {}
        self._labels: dict[tuple[str, str], bytes] = {}

    async def take(self, body: bytes, header: str | None, *, now: datetime) -> Outcome:
        """Verify one delivery and bring it to disk; when this returns it is there.

        Raises:
            RefusedError: it is forged, too old, too new or no event.
            OverloadedError, NotStoredError: it was not kept; Stripe delivers it again.
        """
        verify(body, header, self._secrets, now=now)
        delivery = read_delivery(body)
        if delivery.key in self._known:
            return "duplicate"
        if (underway := self._on_their_way.get(delivery.key)) is not None:
            # A duplicate may not be answered before the first is safe.
            await asyncio.shield(asyncio.wrap_future(underway))
            return "duplicate"
        done = self._journal.append(self._label(delivery.key), delivery.line + b"\n", now=now)
        self._on_their_way[delivery.key] = done
        try:
            await asyncio.shield(asyncio.wrap_future(done))
        finally:
            del self._on_their_way[delivery.key]
        self.remember([delivery.key])
        return "accepted"

    def remember(self, keys: Sequence[Key]) -> None:
        """Know these as taken, the newest last; the oldest are forgotten."""
        self._known.update(dict.fromkeys(keys))
        while len(self._known) > self._limit:
            self._known.popitem(last=False)

    def _label(self, key: Key) -> bytes:
        account, mode, _ = key
        if (account, mode) not in self._labels:
            options = {"account": account, "mode": mode, "source": SOURCE}
            self._labels[account, mode] = Label(source="stripe", name=SOURCE, options=options).encoded()
        return self._labels[account, mode]
