"""What one line of a file of rates says: a day and what one euro is worth on it.

Two layouts, told by the columns' names: `date,currency,rate` (a rate per line), and the European Central
Bank's, a column per currency with `N/A` where none was fixed. Days are ISO, or written out as in the
Bank's daily file (30 November 2026).
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

_CODE = re.compile(r"[A-Z]{3}")
_LARGEST = Decimal(10) ** 9
_LONG = {"date", "currency", "rate"}


class Rate(NamedTuple):
    """Units of a currency for one euro."""

    day: date
    currency: str
    units: Decimal


class BadLineError(Exception):
    """Why a line is no rate."""


def rates_of(row: dict[str, Any]) -> list[Rate]:
    """The rates of one line, by column.

    Raises:
        BadLineError: what is wrong, with the column's name.
    """
    cells = {name.strip().lower(): value for name, value in row.items()}
    day = _day(cells.get("date"))
    if cells.keys() >= _LONG:
        currency = str(cells["currency"] or "").strip().upper()
        if not _CODE.fullmatch(currency):
            raise BadLineError("currency: no code of three letters")
        return [Rate(day, currency, _units("rate", cells["rate"]))]
    found = {name.upper(): value for name, value in cells.items() if _CODE.fullmatch(name.upper())}
    if not found:
        raise BadLineError("no columns date, currency, rate, and no column per currency")
    told = {name: value for name, value in found.items() if value not in (None, "", "N/A")}
    return [Rate(day, name, _units(name, value)) for name, value in told.items()]


def _day(value: object) -> date:
    text = str(value or "").strip()
    for read in (date.fromisoformat, lambda given: datetime.strptime(f"{given} +0000", "%d %B %Y %z").date()):
        try:
            return read(text)
        except ValueError:
            continue
    raise BadLineError("date: no day like 2026-11-30")


def _units(column: str, value: object) -> Decimal:
    try:
        units = Decimal(str(value).strip())
    except InvalidOperation:
        units = Decimal("NaN")
    # What rounds to nothing in nine places would divide by nothing.
    if not units.is_finite() or not 0 < round(units, 9) < _LARGEST:
        raise BadLineError(f"{column}: no rate above 0 and below 10^9")
    return round(units, 9)
