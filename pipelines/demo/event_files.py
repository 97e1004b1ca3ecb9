"""The event files: one a month, in order of time, with the flaws of real logs planted in them.

About one line in 200 is there twice, word for word; about one in 500 is broken (torn, or without a
timestamp) and stands beside the good lines, so that no true event is lost by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from pipelines.demo.behaviour import Message
from pipelines.demo.clock import DAY, month_of

DUPLICATES, BROKEN = 0.005, 0.002
NO_TIMESTAMP = b'{"messageId":"%032x","type":"track","event":"Report Exported","userId":"usr_000001"}'


@dataclass(frozen=True)
class EventFiles:
    """Lines by month (`2026-03`), and what was planted. `valid` counts distinct good messages."""

    lines: dict[str, list[bytes]]
    valid: int
    duplicates: int
    broken: int


def event_files(messages: list[Message], rng: Random) -> EventFiles:
    """Sort the messages into months and plant duplicates and broken lines among them."""
    lines: dict[str, list[bytes]] = {}
    late: list[bytes] = []
    duplicates = broken = 0
    day, month = -1, list[bytes]()
    for message in sorted(messages, key=lambda message: (message.at, message.line)):
        if (today := message.at // (DAY * 1_000)) != day:
            day, month = today, lines.setdefault(month_of(message.at // 1_000), [])
        month.append(message.line)
        draw = rng.random()
        if draw < DUPLICATES:
            late.append(message.line)
            duplicates += 1
        elif draw < DUPLICATES + BROKEN:
            month.append(_broken(message.line, rng))
            broken += 1
        elif late and draw > 0.98:
            # A retry arrives a little later, sometimes in the next month's file.
            month.append(late.pop(0))
    for line in late:
        lines[max(lines)].append(line)
    return EventFiles(lines, len(messages), duplicates, broken)


def _broken(line: bytes, rng: Random) -> bytes:
    if rng.random() < 0.6:
        return line[: rng.randint(20, len(line) - 10)]
    return NO_TIMESTAMP % rng.getrandbits(128)
