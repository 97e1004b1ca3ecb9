"""Counts, shares, changes and lengths of time as text: real minus sign, a dash where there is no base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MINUS = "\N{MINUS SIGN}"
NONE = "–"
Direction = Literal["up", "down", "flat", "none"]


def count(value: int | None) -> str:
    """`12,480`; a dash for None."""
    return NONE if value is None else f"{value:,}".replace("-", MINUS)


def figure(value: float | None) -> str:
    """A measured value: whole ones as a count, others with two decimals, below one with four."""
    if value is None:
        return NONE
    if isinstance(value, int):
        return count(value)
    return _clean(f"{value:,.2f}" if abs(value) >= 1 else f"{value:,.4f}")


def counted(value: int, one: str, many: str | None = None) -> str:
    """`1 customer`, `12,480 customers`; `many` where a plural is not made by an s."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def percent(fraction: float | None) -> str:
    """A fraction as a percentage with one decimal; a dash where there is no base."""
    return NONE if fraction is None else _clean(f"{100 * fraction:,.1f}") + " %"


def factor(value: float | None) -> str:
    """A ratio such as `3.4×`."""
    return NONE if value is None else _clean(f"{value:,.1f}") + "×"


def length(seconds: float | None) -> str:
    """A length of time in its two largest units: `3 d 4 h`, `12 min`, `45 s`."""
    if seconds is None:
        return NONE
    left = round(seconds)
    if left < 60:
        return f"{left} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(round(seconds / 3600), 24)
    return f"{days} d {rest} h" if rest and days < 10 else f"{days} d"


def _clean(text: str) -> str:
    """No minus on a zero; the real minus sign elsewhere."""
    return text.lstrip("-") if not text.strip("-0.,") else text.replace("-", MINUS)


@dataclass(frozen=True)
class Change:
    """How a figure moved: the words, and where it went."""

    text: str
    direction: Direction


def change(now: float | None, before: float | None) -> Change:
    """Relative change in percent; without a base there is none to tell."""
    if now is None or not before:
        return Change(NONE, "none")
    return _change(percent((now - before) / abs(before)), now - before)


def change_in_points(now: float | None, before: float | None) -> Change:
    """Change of a rate, in percentage points."""
    if now is None or before is None:
        return Change(NONE, "none")
    return _change(_clean(f"{100 * (now - before):,.1f}") + " pp", now - before)


def change_absolute(now: float | None, before: float | None) -> Change:
    """Change of a ratio, in its own unit."""
    if now is None or before is None:
        return Change(NONE, "none")
    return _change(_clean(f"{now - before:,.1f}"), now - before)


def _change(text: str, difference: float) -> Change:
    if not text.split(" ")[0].strip("0.,"):
        return Change(text, "flat")
    return Change(f"+{text}" if difference > 0 else text, "up" if difference > 0 else "down")
