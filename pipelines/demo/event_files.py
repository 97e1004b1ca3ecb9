"""The event files: one a month, in order of time, with the flaws of real logs planted in them.

About three lines in a hundred are flawed: there twice, word for word; broken (torn, or without a
timestamp); with a field that nobody knows; or from a device whose clock runs ahead, which the
collector put right. Broken lines stand beside the good ones, so that no true event is lost by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from random import Random

from pipelines.demo.behaviour import Message
from pipelines.demo.clock import DAY, HOUR, iso, month_of

DUPLICATES, BROKEN, UNKNOWN_FIELD, AHEAD = 0.013, 0.007, 0.006, 0.004
NO_TIMESTAMP = b'{"messageId":"%032x","type":"track","event":"Report Exported","userId":"usr_000001"}'


_TO_BROKEN = DUPLICATES + BROKEN
_TO_UNKNOWN = _TO_BROKEN + UNKNOWN_FIELD
_TO_AHEAD = _TO_UNKNOWN + AHEAD
_AGE = itemgetter(0, 2)


@dataclass(frozen=True)
class EventFiles:
    """Lines by month (`2026-03`), and what was planted. `valid` counts distinct good messages.

    Messages with an unknown field or a clock ahead are good ones.
    """

    lines: dict[str, list[bytes]]
    valid: int
    duplicates: int
    broken: int
    unknown_field: int
    clock_ahead: int


def event_files(messages: list[Message], rng: Random) -> EventFiles:
    """Sort the messages into months and plant the flaws among them."""
    lines: dict[str, list[bytes]] = {}
    late: list[bytes] = []
    duplicates = broken = unknown = ahead = 0
    day, month = -1, list[bytes]()
    for message in sorted(messages, key=_AGE):
        if (today := message.at // (DAY * 1_000)) != day:
            day, month = today, lines.setdefault(month_of(message.at // 1_000), [])
        month.append(message.line)
        draw = rng.random()
        if draw < DUPLICATES:
            late.append(message.line)
            duplicates += 1
        elif draw < _TO_BROKEN:
            month.append(_broken(message.line, rng))
            broken += 1
        elif draw < _TO_UNKNOWN:
            month[-1] = message.line[:-1] + b',"_build":"%07x"}' % rng.getrandbits(28)
            unknown += 1
        elif draw < _TO_AHEAD:
            month[-1] = _ahead(message, rng)
            ahead += 1
        elif late and draw > 0.98:
            # A retry arrives a little later, sometimes in the next month's file.
            month.append(late.pop(0))
    for line in late:
        lines[max(lines)].append(line)
    return EventFiles(lines, len(messages), duplicates, broken, unknown, ahead)


def _broken(line: bytes, rng: Random) -> bytes:
    if rng.random() < 0.6:
        return line[: rng.randint(20, len(line) - 10)]
    return NO_TIMESTAMP % rng.getrandbits(128)


def _ahead(message: Message, rng: Random) -> bytes:
    """The device's clock runs hours or days ahead; `timestamp` is the collector's correction of it."""
    skew = rng.randint(2 * HOUR, 400 * DAY) * 1_000
    told = f',"originalTimestamp":"{iso(message.at + skew)}","sentAt":"{iso(message.at + skew + 900)}"}}'
    return message.line[:-1] + told.encode()
