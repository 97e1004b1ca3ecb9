"""Walk a page's text with what the commands say: every number on it has to be told, and none may be left over.

Digits that are no answer (days, hours, names of spans, numbering) are set aside first: they become circled digits,
so they can still be expected, but need not be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
NO_ANSWERS = (
    (r"\b\d{4}-\d\d-\d\d\b", "a day"),
    (r"\b\d\d:\d\d(?::\d\d)?\b", "a time of day"),
    (rf"(?<![\d.,])\d{{1,2}} {_MONTH}(?: \d{{4}})?\b", "a day in words"),
    (rf"\b{_MONTH} \d\d\b", "a month in words"),
    (r"\b\d+ days\b", "the name of a span: `30 days` is part of what is asked"),
    (r"(?i)\bstep \d\b", "the numbering of steps"),
    (r"^\d\. ", "the numbering of steps"),
    (r"^(?:Day|Week|Month) 0$|^\+\d+$", "the head of a column: so many periods later"),
    (r"^Group \d:", "the numbering of a rule's groups"),
)
"""Patterns of a piece of text whose digits are not the answer to a question, and why."""
_CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")


def walk(page: Iterable[str], told: Sequence[str]) -> None:
    """Find each told text, in order; between them, before and after, no number may stand."""
    text, at = " ".join(map(set_aside, page)), 0
    for one in told:
        # Never a part of a longer number, and never without its sign, currency or unit.
        pattern = rf"(?<![\w.,+−$€£¥]){re.escape(set_aside(one))}(?![\w×]|[.,]\d| ?%)"
        found = re.search(pattern, text[at:])
        assert found, f"{one!r} is not on the page after {text[max(0, at - 60) : at]!r}, but {text[at : at + 80]!r}"
        _no_number(text, at, at + found.start(), before=one)
        at += found.end()
    _no_number(text, at, len(text), before="the end of the page")


def set_aside(piece: str) -> str:
    """The piece with the digits circled that are no answer."""
    for pattern, _why in NO_ANSWERS:
        piece = re.sub(pattern, lambda found: found[0].translate(_CIRCLED), piece)
    return " ".join(piece.split())


def _no_number(text: str, start: int, end: int, *, before: str) -> None:
    found = re.search(r"[0-9]", text[start:end])
    where = start + (found.start() if found else 0)
    assert not found, (
        f"no command told the number in {text[max(start, where - 60) : where + 40]!r}, which stands before {before!r}"
    )
