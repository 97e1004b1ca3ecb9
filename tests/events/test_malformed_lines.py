"""A hundred thousand malformed lines and requests: the lines, in files of every kind of mix with good ones.

The requests are those of `tests/gateway/test_collector.py`, the messages inside good requests those of `test_collect.py`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.settings import Settings
from tests.events.loading import counts, load, stored

BAD = 95_000
FILES = {"mostly_bad": 0.95, "half": 0.5, "mostly_good": 0.1, "all_bad": 1.0, "compact": 0.9}
"""Name and share of bad lines; what the first ones leave of the bad lines is in the last."""
SHARES = {"mostly_bad": 40_000, "half": 9_000, "mostly_good": 1_000, "all_bad": 20_000}

TIME = "2026-01-02T03:04:05Z"
FLAT = {"user_id": "u1", "event": "login", "timestamp": TIME, "plan": "pro", "seats": 3}
MESSAGE = {
    "type": "track",
    "userId": "u1",
    "event": "view",
    "timestamp": TIME,
    "properties": {"path": "/", "n": [1, None]},
}
GOOD = (FLAT, MESSAGE)

Chance = random.Random


def document(chance: Chance, **other: object) -> dict[str, object]:
    """A good document in one of both forms, with other values; None takes a key away."""
    whole = {**chance.choice(GOOD), "n": chance.randrange(10**6), **other}
    return {key: value for key, value in whole.items() if value is not None}


def torn(chance: Chance) -> bytes:
    """A line that is no JSON: cut off, glued to another, or hurt in a way that no reader takes for whole."""
    line = json.dumps(document(chance)).encode()
    way = chance.randrange(9)
    if way == 0:
        return line[: chance.randrange(1, len(line) - 1)]
    if way == 1:
        return line[chance.randrange(1, 6) :]
    if way == 2:
        return line + line
    if way == 3:
        return line[:-1] + b",,}"
    if way == 4:
        return line.replace(b'"', b"'")
    if way == 5:
        return line.replace(b": ", b" ", 1)
    if way == 6:
        return line.replace(b'"', b'"\x00', chance.randrange(1, 3))
    if way == 7:
        return line + chance.choice([b"}", b"]", b" x", b",", b'"', b"\\"])
    letters = b"abcdefghijklmnop{}[]:,\\/<>= "
    return b"<" + bytes(chance.choice(letters) for _ in range(chance.randrange(60)))


def not_utf8(chance: Chance) -> bytes:
    """A good line with a byte in it that begins no character."""
    line = json.dumps(document(chance)).encode()
    place = chance.randrange(1, len(line))
    return line[:place] + chance.choice([b"\xff", b"\xfe", b"\xc0", b"\x80"]) + line[place:]


def without(*keys: str, values: tuple[object, ...] = (None, "")) -> Callable[[Chance], bytes]:
    """A document that lacks these keys, or holds nothing in them."""
    return lambda chance: json.dumps(document(chance, **dict.fromkeys(keys, chance.choice(values)))).encode()


def some(*texts: str) -> Callable[[Chance], bytes]:
    return lambda chance: chance.choice(texts).encode()


WAYS: dict[str, Callable[[Chance], bytes]] = {
    "no valid JSON": torn,
    "not UTF-8": not_utf8,
    "no JSON object": some(
        "5", "-1.5e9", "null", "true", '"text"', "[]", f"[{json.dumps(FLAT)}]", '["{}"]', "[[[[]]]]"
    ),
    "no timestamp": without("timestamp"),
    "a timestamp that is no time": without(
        "timestamp",
        values=("yesterday", "2026-13-01", "2026-02-30T00:00:00Z", "infinity", "999999999999999999", {}, [1]),
    ),
    "no event name": without("event"),
    "nobody: neither a user nor an anonymous id": without("user_id", "userId"),
}
"""Why a line is bad, in the words of the quarantine, and how to make one."""


def files(folder: Path, chance: Chance) -> tuple[list[Path], dict[tuple[str, int], str], set[str]]:
    """The files, the reason of each bad line by file and line, and the ids of the good ones."""
    paths, bad, good = [], dict[tuple[str, int], str](), set[str]()
    for name, share in FILES.items():
        wanted = SHARES.get(name, BAD - sum(SHARES.values()))
        lines: list[bytes] = []
        found = 0
        while found < wanted:
            if chance.random() < share:
                reason = chance.choice(list(WAYS))
                lines.append(WAYS[reason](chance))
                bad[f"{name}.jsonl", len(lines)] = reason
                found += 1
            elif chance.random() < 0.02:
                lines.append(chance.choice([b"", b"  ", b"\t"]))  # Nothing at all is neither good nor bad.
            else:
                identity = f"{name}-{len(lines)}"
                good.add(identity)
                lines.append(json.dumps(document(chance, messageId=identity)).encode())
        paths.append(folder / f"{name}.jsonl")
        paths[-1].write_bytes(b"\n".join(lines) + b"\n")
    return paths, bad, good


@pytest.mark.long
def test_of_95_000_bad_lines_each_is_set_aside_once_with_file_line_and_reason_and_no_good_one_is_lost(
    settings: Settings, tmp_path: Path
) -> None:
    paths, bad, good = files(tmp_path, random.Random(17))
    assert len(bad) == BAD
    summary = load(settings, *paths)
    assert counts(summary) == (len(bad) + len(good), len(good), 0, 0, len(bad))
    assert {row["event_id"] for row in stored(settings, "event_id, event_at")} == good
    kept = [
        json.loads(line)
        for path in (settings.quarantine_dir / "events").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert len(kept) == len(bad)
    told = {(Path(row["file"]).name, row["line"]): row["reason"] for row in kept}
    assert dict(told.items() - bad.items()) == {}
    # Brought once more, nothing is loaded and nothing is set aside a second time.
    again = load(settings, *paths)
    assert (again.loaded, again.unchanged, again.quarantined) == (0, len(bad) + len(good), 0)
    assert len(list((settings.quarantine_dir / "events").glob("*.jsonl"))) == len(paths)


@pytest.mark.parametrize("reason", WAYS)
def test_a_file_of_one_bad_line_says_why(settings: Settings, tmp_path: Path, reason: str) -> None:
    path = tmp_path / "one.jsonl"
    path.write_bytes(WAYS[reason](random.Random(1)) + b"\n" + json.dumps(FLAT).encode())
    assert counts(load(settings, path)) == (2, 1, 0, 0, 1)
    (kept,) = (settings.quarantine_dir / "events").glob("*.jsonl")
    assert json.loads(kept.read_text())["reason"] == reason
