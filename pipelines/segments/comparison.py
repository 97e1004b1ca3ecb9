"""One comparison of a trait with a value, as SQL: typed, bound, and never null.

A missing trait equals nothing, so `ne` and `not_in` hold for it and every other comparison does
not; that keeps `not` the opposite of what it encloses.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipelines.money import minor
from pipelines.segments.document import Trait
from pipelines.segments.fields import Field, Kind, money

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_A_TIME = "write a date (2026-11-24) or a time (2026-11-24T09:00:00Z)"
_ANY = frozenset({"is_set", "is_not_set"})
_EQUAL = frozenset({"eq", "ne", "in", "not_in"})
_ORDER = frozenset(_SIGNS)
OPS: dict[Kind, frozenset[str]] = {
    "text": _ANY | _EQUAL | {"contains", "icontains", "regex"},
    "number": _ANY | _EQUAL | _ORDER,
    "money": _ANY | _EQUAL | _ORDER,
    "moment": _ANY | _EQUAL | _ORDER,
    "flag": _ANY | {"eq", "ne"},
    "list": _ANY | {"contains"},
}
"""The comparisons that each kind of trait knows."""


class Comparison(NamedTuple):
    """SQL with `?` for each of `values`, in order."""

    sql: str
    values: tuple[object, ...]


class MeantError(ValueError):
    """The comparison can not be meant; `key` is the part of the trait that is wrong."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


def compare(trait: Trait, field: Field, timezone: str) -> Comparison:
    """The comparison over a row `p` of `dim_customers`; bare dates are days in `timezone`.

    Raises:
        MeantError: the op or the value does not fit the trait.
    """
    if trait.op not in OPS[field.kind]:
        allowed = ", ".join(sorted(OPS[field.kind]))
        raise MeantError("op", f"{field.name} ({field.kind}) knows {allowed}")
    if trait.currency is not None and field.kind != "money":
        raise MeantError("currency", f"{field.name} is no amount of money")
    column, column_values = _column(trait, field)
    if trait.op in _ANY:
        if trait.value is not None:
            raise MeantError("value", f"{trait.op} takes no value")
        return _set_or_not(trait.op, column, column_values, field.kind)
    bound = _values(trait, field.kind, timezone)
    match trait.op:
        case "eq" | "in":
            return _equals(column, column_values, bound)
        case "ne" | "not_in":
            inner = _equals(column, column_values, bound)
            return Comparison(f"(not {inner.sql})", inner.values)
        case "contains":
            return _true(f"contains({column}, ?)", (*column_values, bound[0]))
        case "icontains":
            return _true(f"contains(lower({column}), lower(?))", (*column_values, bound[0]))
        case "regex":
            return _true(f"regexp_matches({column}, ?)", (*column_values, _regex(str(bound[0]))))
    return _ordered(trait.op, column, column_values, bound[0])


def _column(trait: Trait, field: Field) -> tuple[str, tuple[object, ...]]:
    if field.kind != "money":
        return f'p."{field.name}"', ()
    amount, currency = money()[field.name]
    if trait.op in _ANY:
        return f'p."{amount}"', ()
    if trait.currency is None:
        raise MeantError("currency", "say in which currency the amount is meant, for example USD")
    # Nothing is nothing in every currency.
    sql = f'(case when p."{amount}" = 0 or upper(p."{currency}") = ? then p."{amount}" end)'
    return sql, (trait.currency.upper(),)


def _true(sql: str, values: tuple[object, ...]) -> Comparison:
    return Comparison(f"coalesce({sql}, false)", values)


def _set_or_not(op: str, column: str, values: tuple[object, ...], kind: Kind) -> Comparison:
    empty = {"text": f" and {column} <> ''", "list": f" and len({column}) > 0"}.get(kind, "")
    sql = f"({column} is not null{empty})"
    return Comparison(sql if op == "is_set" else f"(not {sql})", values)


def _equals(column: str, column_values: tuple[object, ...], bound: list[object]) -> Comparison:
    if len(bound) > 1 and all(isinstance(value, str) for value in bound):
        # A list of thousands of people is one value, not thousands of comparisons.
        return _true(f"list_contains(?, {column})", (bound,))
    parts: list[str] = []
    values: list[object] = []
    for value in bound:
        if isinstance(value, tuple):
            parts.append(f"({column} >= ? and {column} < ?)")
            values += [*column_values, value[0], *column_values, value[1]]
        else:
            parts.append(f"{column} = ?")
            values += [*column_values, value]
    return _true(f"({' or '.join(parts) or 'false'})", tuple(values))


def _ordered(op: str, column: str, column_values: tuple[object, ...], value: object) -> Comparison:
    if isinstance(value, tuple):
        # A day: after it means from its end on, up to it means before its end.
        first, end = value
        op, value = {"gt": ("gte", end), "gte": ("gte", first), "lt": ("lt", first), "lte": ("lt", end)}[op]
    return _true(f"{column} {_SIGNS[op]} ?", (*column_values, value))


def _values(trait: Trait, kind: Kind, timezone: str) -> list[object]:
    many = trait.op in ("in", "not_in")
    if isinstance(trait.value, list) != many:
        raise MeantError("value", f"{trait.op} takes {'a list' if many else 'one value'}")
    given = trait.value if many else [trait.value]
    return [_value(part, kind, trait.currency, timezone) for part in given]


def _value(value: object, kind: Kind, currency: str | None, timezone: str) -> object:
    if value is None:
        raise MeantError("value", "is missing (for a missing trait use is_not_set)")
    if kind in ("text", "list"):
        if not isinstance(value, str):
            raise MeantError("value", "has to be a text; put it in quotes")
        return value
    if kind == "flag":
        if not isinstance(value, bool):
            raise MeantError("value", "has to be true or false")
        return value
    if kind == "moment":
        return _moment(value, timezone)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise MeantError("value", "has to be a number")
    if abs(value) >= 10**15:
        raise MeantError("value", "is too large")
    number = Decimal(str(value))
    # Written out, because the driver does not read 2E+3.
    return Decimal(f"{minor(number, currency) if currency is not None else number:f}")


def _moment(value: object, timezone: str) -> object:
    """A naive UTC moment, or for a bare date the day's start and end."""
    if not isinstance(value, str):
        raise MeantError("value", _A_TIME)
    try:
        zone = ZoneInfo(timezone)
        if len(value) == 10:
            day = date.fromisoformat(value)
            return tuple(_utc(datetime.combine(at, time.min, zone)) for at in (day, day + timedelta(days=1)))
        found = datetime.fromisoformat(value)
        return _utc(found if found.tzinfo else found.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise MeantError("value", _A_TIME) from None


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _regex(pattern: str) -> str:
    # Late: the sender reads segments without asking anything.
    import duckdb

    from pipelines.warehouse import connect

    try:
        with connect() as scratch:
            scratch.execute("select regexp_matches('', ?)", [pattern])
    except duckdb.Error:
        raise MeantError("value", "is no regular expression (RE2 syntax)") from None
    return pattern
