"""What a series of a trend counts: events, people, or the numbers in a property.

A number is a property's text that reads as one, kept to nine decimals and below 10^18 in size, so that
sums are exact and the same in whatever order they are made. Other texts are left out and counted.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator

from pipelines.conditions import Bindings, property_sql

COUNTED = ("total", "unique", "per_user")
OF_A_PROPERTY = ("sum", "average", "min", "max", "median", "p90", "p95", "p99")
"""Any percentile from p1 to p99 may be asked; these are offered."""


def _known(measure: str) -> str:
    if measure not in COUNTED + OF_A_PROPERTY and not _percentile(measure):
        words = ", ".join((*COUNTED, *OF_A_PROPERTY))
        raise ValueError(f"{measure!r} is no measure; there are {words} and any other percentile as p75")
    return measure


Measure = Annotated[str, AfterValidator(_known)]


def needs_property(measure: str) -> bool:
    """Whether it measures a property's numbers."""
    return measure not in COUNTED


def number_sql(name: str, bindings: Bindings) -> str:
    """SQL of the number in a property; null where there is none."""
    return f"try_cast({property_sql(name, bindings)} as decimal(27, 9))"


def counted_sql(measure: str) -> str:
    """SQL of two columns over rows with `person` and `number`, from which `value_of` makes the value."""
    share = _percentile(measure)
    if share:
        return f"quantile_cont(cast(number as double), {share / 100}), 1"
    return {
        "total": "count(*), 1",
        "unique": "count(distinct person), 1",
        "per_user": "count(*), count(distinct person)",
        "sum": "coalesce(sum(number), 0), 1",
        "average": "sum(number), count(number)",
        "min": "min(number), 1",
        "max": "max(number), 1",
    }[measure]


def value_of(part: int | float | Decimal | None, base: int) -> Fraction | None:
    """The value; None where there is nothing to measure."""
    return None if part is None or not base else Fraction(part) / base


def nothing(measure: str) -> Fraction | None:
    """The value of a period without events."""
    return Fraction(0) if measure in ("total", "unique", "sum") else None


def told(value: Fraction | None) -> int | float | None:
    """A value as an answer holds it: whole numbers whole, others as the nearest float."""
    if value is None:
        return None
    if value.denominator == 1:
        return value.numerator
    try:
        return float(value)
    except OverflowError:
        return None


def _percentile(measure: str) -> int:
    """The percentile that a measure names; 0 for none."""
    if measure == "median":
        return 50
    digits = measure[1:]
    fits = measure[:1] == "p" and digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) < 3
    return int(digits) if fits else 0
