"""What the server adds to a message of the tracking API: its times, an id where it has none, its source."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.events.body import Body

# What differs each time that the same message is sent.
_OF_SENDING = ("sentAt", "receivedAt", "writeKey", "messageId")


class Stamp:
    """What the server says about the messages of one body."""

    def __init__(self, body: Body, envelope: dict[str, Any], source: str, received_at: datetime) -> None:
        self._body = body
        self._source = source
        self._received = received_at
        self._text = received_at.astimezone(UTC).isoformat(timespec="microseconds")
        self._sent = envelope.get("sentAt")
        self._shift = self._shift_of(self._sent)
        self._context = _object(envelope.get("context"))
        self._mark = {"source": source}
        self._seen: Counter[bytes] = Counter()

    def stamped(self, message: dict[str, Any], kind: str | None) -> dict[str, Any]:
        """A good message as it is landed."""
        get = message.get
        stamped = {**message, "type": kind, "receivedAt": self._text}
        if "writeKey" in message:
            del stamped["writeKey"]
        if self._sent is None:
            shift = self._shift_of(get("sentAt"))
        else:
            shift = self._shift
            stamped["sentAt"] = self._sent
        given = get("timestamp")
        original = get("originalTimestamp")
        if original is None or original == "":
            original = given
        if has_time := original is not None and original != "":
            if original is given or given is None or given == "":
                stamped["originalTimestamp"] = original
                stamped["timestamp"] = _moved(original, shift)
        else:
            stamped["timestamp"] = self._text
        stamped["context"] = {**self._context, **(get("context") or {}), "millstream": self._mark}
        if get("messageId") in (None, ""):
            stamped["messageId"] = self._own_id(message, kind, has_time=has_time)
        return stamped

    def _own_id(self, message: dict[str, Any], kind: str | None, *, has_time: bool) -> str:
        """An id from the source, the content, and the ordinal among the same messages of the body.

        So a retry of it is known again. Without a time of its own nothing tells a retry from the same thing done
        twice: it counts each time it comes.
        """
        told = {name: value for name, value in message.items() if name not in _OF_SENDING}
        content = self._body.canonical([self._source, kind, told, None if has_time else self._text])
        self._seen[content] += 1
        return f"auto_{hashlib.sha256(content).hexdigest()[:32]}_{self._seen[content]}"

    def _shift_of(self, sent: object) -> timedelta | None:
        """How far our clock is ahead of the sender's; None where it did not tell when it sent."""
        moment = _moment(sent)
        return None if moment is None else self._received - moment


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moved(value: Any, shift: timedelta | None) -> Any:
    """A time by our clock; as it came where it can not be read here or the sender's clock is not known."""
    if shift is None or (moment := _moment(value)) is None:
        return value
    try:
        return moment.astimezone(UTC) + shift
    except OverflowError:
        return value


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
