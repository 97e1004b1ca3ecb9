"""From one HTTP body of the Segment tracking API to lines for the landing zone: stamped, or set aside with a reason.

What the server adds is what Segment's adds: `receivedAt`; `originalTimestamp`, the time as the sender told it; and
`timestamp`, that time by our clock (receivedAt - (sentAt - originalTimestamp)), where the sender told when it sent.
A message that has both times was corrected by somebody before and keeps them; one without any happened when it
came. A message without a `messageId` gets one from its content (`stamp`).

A body that is no JSON, or not of the shape that its path wants, is refused whole. A bad message in a readable body
costs nothing but itself: it is landed under a label of its reason, and the load sets it aside with that. A time
that only the load can read, or nobody, is left to the load to judge. No sockets, no keys and no disk in here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from pipelines.events.body import Body, UnreadableBodyError
from pipelines.events.message import TYPES
from pipelines.events.problems import MESSAGE_LIMIT, TOO_LARGE, Problem, problem_of
from pipelines.events.stamp import Stamp
from pipelines.landing import Label

BATCH = "batch"
BODY_LIMIT = {**dict.fromkeys(TYPES, MESSAGE_LIMIT), BATCH: 500 * 1024}
"""Bytes of a body by its path, unpacked."""

REFUSED = "refused"
"""The label's option that tells why none of its lines is an event."""


@dataclass
class Collected:
    """What one body held: records for the journal, the good ones first, and what they say."""

    records: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Label and lines."""
    accepted: int = 0
    set_aside: list[tuple[int, Problem]] = field(default_factory=list)
    """The places of the bad messages in their batch, from 0."""


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
    stamp = Stamp(body, envelope, source, received_at)
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
            problem = TOO_LARGE
        bad.setdefault(problem, []).append(body.encode(_without_key(message)))
        collected.set_aside.append((place, problem))
    collected.accepted = len(good)
    if good:
        good.append(b"")
        collected.records.append((_label(source), b"\n".join(good)))
    for problem, lines in bad.items():
        collected.records.append((_label(source, problem.words), b"\n".join([*lines, b""])))
    return collected


def _type_of(message: Any) -> str | None:
    told = message.get("type") if type(message) is dict else None
    return told.lower() if isinstance(told, str) else None


def _without_key(message: Any) -> Any:
    if isinstance(message, dict) and "writeKey" in message:
        return {name: value for name, value in message.items() if name != "writeKey"}
    return message


@cache
def _label(source: str, refused: str | None = None) -> bytes:
    options = {"source": source} if refused is None else {"source": source, REFUSED: refused}
    return Label(source="events", name=f"source {source}", options=options).encoded()
