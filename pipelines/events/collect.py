"""From one HTTP body of the Segment tracking API to lines for the landing zone: stamped, or set aside with a reason.

What the server adds is what Segment's adds: `receivedAt`; `originalTimestamp`, the time as the sender told it; and
`timestamp`, that time by our clock (receivedAt - (sentAt - originalTimestamp)), where the sender told when it sent.
A message that has both times was corrected by somebody before and keeps them; one without any happened when it
came. A message without a `messageId` gets one from its content (`_own_id`).

A body that is no JSON, or not of the shape that its path wants, is refused whole. A bad message in a readable body
costs nothing but itself: it is landed under a label of its reason, and the load sets it aside with that. A time
that only the load can read, or nobody, is left to the load to judge. No sockets, no keys and no disk in here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal

from pipelines.events.body import Body, UnreadableBodyError
from pipelines.events.message import FIELDS, TYPES
from pipelines.landing import Label

BATCH = "batch"
KINDS = (*TYPES, BATCH)
MESSAGE_LIMIT = 32 * 1024
BODY_LIMIT = {**dict.fromkeys(TYPES, MESSAGE_LIMIT), BATCH: 500 * 1024}
"""Bytes of a body by its path, unpacked."""

REFUSED = "refused"
"""The label's option that tells why none of its lines is an event."""

Reason = Literal["no_object", "type", "value", "nobody", "no_event", "no_group", "no_previous", "too_large"]
REASONS: tuple[Reason, ...] = (
    "no_object", "type", "value", "nobody", "no_event", "no_group", "no_previous", "too_large"
)  # fmt: skip

_IDS = (FIELDS["user_id"], FIELDS["anonymous_id"])
"""The load takes the first of each that holds something."""
_TEXTS = ("messageId", "event")
_OF_KIND = {"page": ("name",), "screen": ("name",), "group": ("groupId",), "alias": ("previousId",)}
_TEXT_FIELDS = {kind: (*_TEXTS, *_OF_KIND.get(kind, ())) for kind in TYPES}
_OBJECTS = ("properties", "traits", "context")
_SCALAR = (str, int, float)
# What differs each time that the same message is sent.
_OF_SENDING = ("sentAt", "receivedAt", "writeKey", "messageId")


@dataclass(frozen=True)
class Problem:
    """Why a message is bad: the reason that is counted, and the words that stand beside it when it is set aside."""

    reason: Reason
    words: str


@dataclass
class Collected:
    """What one body held: records for the journal, the good ones first, and what they say."""

    records: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Label and lines."""
    accepted: int = 0
    set_aside: list[tuple[int, Problem]] = field(default_factory=list)
    """The places of the bad messages in their batch, from 0."""


_NO_OBJECT = Problem("no_object", "no JSON object")
_NO_TYPE = Problem("type", f"a type that is none of {', '.join(TYPES)}")
_NOBODY = Problem("nobody", "nobody: neither a user nor an anonymous id")
_NO_EVENT = Problem("no_event", "no event name")
_TOO_LARGE = Problem("too_large", f"larger than {MESSAGE_LIMIT:,} bytes")
_NEEDS = {
    "track": ("event", _NO_EVENT),
    "group": ("groupId", Problem("no_group", "a group call without groupId")),
    "alias": ("previousId", Problem("no_previous", "an alias call without previousId")),
}
_NO_TEXT = {name: Problem("value", f"{name} is no text") for names in (*_TEXT_FIELDS.values(), *_IDS) for name in names}
_NO_DOCUMENT = {name: Problem("value", f"{name} is no JSON object") for name in _OBJECTS}


def collect(body: Body, kind: str, *, source: str, received_at: datetime) -> Collected:
    """The messages of a body that came to the path of `kind`, from one source, at one moment.

    Raises:
        UnreadableBodyError: the path wants a batch and there is none, or it can not be written down again.
    """
    messages: list[Any] = [body.document]
    envelope: dict[str, Any] = {}
    if kind == BATCH:
        envelope = body.document
        messages = envelope.get("batch")  # type: ignore[assignment]
        if not isinstance(messages, list):
            raise UnreadableBodyError("no list named batch")
    stamp = _Stamp(body, envelope, source, received_at)
    good: list[bytes] = []
    bad: dict[Problem, list[bytes]] = {}
    collected = Collected()
    for place, message in enumerate(messages):
        told = _type_of(message) if kind == BATCH else kind
        problem = problem_of(message, told)
        if problem is None:
            line = body.encode(stamp.stamped(message, told))
            # What we add is not counted, and few are that large.
            if len(line) <= MESSAGE_LIMIT or len(body.encode(message)) <= MESSAGE_LIMIT:
                good.append(line)
                continue
            problem = _TOO_LARGE
        bad.setdefault(problem, []).append(body.encode(_without_key(message)))
        collected.set_aside.append((place, problem))
    collected.accepted = len(good)
    if good:
        good.append(b"")
        collected.records.append((_label(source), b"\n".join(good)))
    for problem, lines in bad.items():
        collected.records.append((_label(source, problem.words), b"\n".join([*lines, b""])))
    return collected


def problem_of(message: Any, kind: str | None) -> Problem | None:
    """Why a message of this kind is no event; None where it is one."""
    if type(message) is not dict:
        return _NO_OBJECT
    if kind not in _TEXT_FIELDS:
        return _NO_TYPE
    get = message.get
    for name in _TEXT_FIELDS[kind]:
        value = get(name)
        if value is not None and type(value) not in _SCALAR:
            return _NO_TEXT[name]
    for name in _OBJECTS:
        value = get(name)
        if value is not None and type(value) is not dict:
            return _NO_DOCUMENT[name]
    if kind in _NEEDS:
        name, problem = _NEEDS[kind]
        if get(name) in (None, ""):
            return problem
    nobody: Problem | None = _NOBODY
    for names in _IDS:
        for name in names:
            value = get(name)
            if value is not None and value != "":
                if type(value) not in _SCALAR:
                    return _NO_TEXT[name]
                nobody = None
                break
    return nobody


class _Stamp:
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


def _type_of(message: Any) -> str | None:
    told = message.get("type") if type(message) is dict else None
    return told.lower() if isinstance(told, str) else None


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


def _without_key(message: Any) -> Any:
    if isinstance(message, dict) and "writeKey" in message:
        return {name: value for name, value in message.items() if name != "writeKey"}
    return message


@cache
def _label(source: str, refused: str | None = None) -> bytes:
    options = {"source": source} if refused is None else {"source": source, REFUSED: refused}
    return Label(source="events", name=f"source {source}", options=options).encoded()
