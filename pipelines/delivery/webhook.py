"""SendGrid's event webhook: who sent it, when, whether it came before; then onto the disk, and then at once to work.

A delivery counts when its signature (ECDSA) over time and raw body fits one of our verification keys and its
time is within 600 seconds of now, before or after. What passed is landed as it came, then applied to the state
store, so that who left or bounced gets no mail a moment later; the load applies what this could not.

A crash before the journal has it leaves SendGrid without an answer, and it delivers again. After that every
load knows it; a second delivery is landed again where it was not applied yet, and changes nothing twice.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pipelines.delivery.events import Told, read_event
from pipelines.errors import UsageError
from pipelines.faults import fault_point
from pipelines.landing import Appender, Label
from pipelines.settings import Settings

TOLERANCE = timedelta(seconds=600)
LIMIT = 5 * 1024 * 1024
"""Bytes of a delivery; SendGrid's are some hundred thousand."""
KNOWN = 100_000
"""Ids that are remembered."""
PATIENCE = 3.0
"""Seconds that the state store is waited for: SendGrid waits ten for an answer, and the load does it otherwise."""

SIGNATURE, TIMESTAMP = "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"
_LABEL = Label(source="email", name="webhook", options={"source": "webhook"}).encoded()
_TIME = re.compile(r"\d{1,12}")
_log = logging.getLogger("millstream.gateway")

Reason = Literal["no_verification_key", "signature", "expired", "future", "malformed"]
Outcome = Literal["accepted", "duplicate"]
Known = Callable[[Sequence[str]], Awaitable[set[str]]]
Apply = Callable[[Sequence[Told], datetime], Awaitable[object]]


class RefusedError(Exception):
    """A delivery that is not taken, and why; nothing of it is kept."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Delivery:
    """A body as it was delivered: one line, the events in it, and why others are none."""

    line: bytes
    events: list[Told] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The ids of its events."""
        return [told.row["event_id"] for told in self.events]


def verification_keys(settings: Settings) -> tuple[ec.EllipticCurvePublicKey, ...]:
    """The keys that deliveries are signed for: one per webhook at SendGrid, and two while it is changed.

    Raises:
        UsageError: the setting holds what is no such key.
    """
    found = []
    for part in (settings.sendgrid_webhook_public_key or "").split(","):
        if not part.strip():
            continue
        try:
            key = load_der_public_key(base64.b64decode(part.strip(), validate=True))
        except (ValueError, binascii.Error, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise UsageError(
                "setting SENDGRID_WEBHOOK_PUBLIC_KEY is wrong: copy the verification key from SendGrid's page Event "
                "Webhook, Security features. Nothing was changed."
            )
        found.append(key)
    return tuple(found)


def verify(
    body: bytes,
    signature: str | None,
    timestamp: str | None,
    keys: Sequence[ec.EllipticCurvePublicKey],
    *,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Check the two headers over the raw body.

    Raises:
        RefusedError: no key is set, none fits the signature, or the signed time is too far from now.
    """
    if not keys:
        raise RefusedError("no_verification_key")
    if not signature or not timestamp or not _TIME.fullmatch(timestamp):
        raise RefusedError("signature")
    try:
        given = base64.b64decode(signature.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise RefusedError("signature") from None
    signed = timestamp.encode() + body
    if not any(_fits(key, given, signed) for key in keys):
        raise RefusedError("signature")
    age = now.timestamp() - int(timestamp)
    if age > tolerance.total_seconds():
        raise RefusedError("expired")
    if -age > tolerance.total_seconds():
        raise RefusedError("future")


def _fits(key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def read_delivery(body: bytes, *, now: datetime) -> Delivery:
    """What a verified body is: an array of events, the bad ones among them told by their reasons.

    Raises:
        RefusedError: it is no JSON of events at all.
    """
    try:
        told: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedError("malformed") from None
    if not isinstance(told, list):
        told = [told]
    # A line break inside a JSON string is always escaped, so this keeps every value.
    delivery = Delivery(body.replace(b"\r", b" ").replace(b"\n", b" ").strip())
    for event in told:
        try:
            delivery.events.append(read_event(event, now))
        except ValueError as problem:
            delivery.set_aside.append(str(problem))
    if not delivery.events and not (told and all(isinstance(event, dict) for event in told)):
        raise RefusedError("malformed")
    return delivery


class Inbox:
    """Takes deliveries from one event loop, and knows the newest events that it took.

    `known` and `apply` ask and change the state store beside the loop; where they can not, a delivery is taken all
    the same.
    """

    def __init__(
        self,
        journal: Appender,
        keys: Sequence[ec.EllipticCurvePublicKey],
        *,
        known: Known,
        apply: Apply,
        remembered: int = KNOWN,
        patience: float = PATIENCE,
    ) -> None:
        self._journal, self._keys = journal, tuple(keys)
        self._ask, self._apply, self._patience = known, apply, patience
        self._limit = remembered
        self._known: OrderedDict[str, None] = OrderedDict()
        self._on_their_way: dict[str, Future[None]] = {}

    async def take(
        self, body: bytes, signature: str | None, timestamp: str | None, *, now: datetime
    ) -> tuple[Outcome, Delivery]:
        """Verify one delivery, bring it to disk and apply it; when this returns it is there.

        Raises:
            RefusedError: it is forged, too old, too new or no events.
            OverloadedError, NotStoredError: it was not kept; SendGrid delivers it again.
        """
        verify(body, signature, timestamp, self._keys, now=now)
        delivery = read_delivery(body, now=now)
        if delivery.events and await self._is_known(delivery.ids):
            return "duplicate", delivery
        done = self._journal.append(_LABEL, delivery.line + b"\n", now=now)
        mine = [one for one in delivery.ids if one not in self._on_their_way]
        self._on_their_way.update(dict.fromkeys(mine, done))
        try:
            await asyncio.shield(asyncio.wrap_future(done))
        finally:
            for one in mine:
                del self._on_their_way[one]
        fault_point("feedback.after_landing")
        self._remember(delivery.ids)
        await self._applied(delivery, now)
        fault_point("feedback.after_commit")
        return "accepted", delivery

    async def _is_known(self, ids: Sequence[str]) -> bool:
        """Whether each of these events is on disk; of one that is on its way there, once it is."""
        safe: set[str] = set()
        asked: set[str] = set()
        # Looked at again after each wait: another delivery of the same events may have come meanwhile.
        while True:
            rest = [one for one in ids if one not in self._known and one not in safe]
            underway = [one for one in rest if one in self._on_their_way]
            if underway:
                for done in {id(done): done for done in map(self._on_their_way.__getitem__, underway)}.values():
                    await asyncio.shield(asyncio.wrap_future(done))
                safe.update(underway)
                continue
            fresh = [one for one in rest if one not in asked]
            if not fresh:
                return not rest
            asked.update(fresh)
            try:
                self._remember(sorted(await asyncio.wait_for(self._ask(fresh), self._patience)))
            except Exception as problem:
                _log.warning("the state store was not asked for known mail events (%s)", type(problem).__name__)

    async def _applied(self, delivery: Delivery, now: datetime) -> None:
        work = asyncio.ensure_future(self._apply(delivery.events, now))
        # Not ended when it takes too long: what it writes is right, only late. Its failure is then told by the load.
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait_for(asyncio.shield(work), self._patience)
        except Exception as problem:
            _log.warning(
                "mail events are on disk and not applied yet (%s); the next load does it", type(problem).__name__
            )

    def _remember(self, ids: Sequence[str]) -> None:
        self._known.update(dict.fromkeys(ids))
        while len(self._known) > self._limit:
            self._known.popitem(last=False)
