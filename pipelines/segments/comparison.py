"""One comparison of a trait with a value, as SQL: typed, bound, and never null.

A missing trait equals nothing, so `ne` and `not_in` hold for it and every other comparison does
not; that keeps `not` the opposite of what it encloses.
"""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from pipelines.conditions import Bindings
from pipelines.money import minor
from pipelines.segments.document import Trait
from pipelines.segments.fields import Field, Kind, money
from pipelines.segments.times import Day, begin_of, end_of, is_relative, resolve

SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
"""Comparisons of numbers in SQL."""
_ANY = frozenset({"is_set", "is_not_set"})
_EQUAL = frozenset({"eq", "ne", "in", "not_in"})
_ORDER = frozenset({"gt", "gte", "lt", "lte"})
OPS: dict[Kind, frozenset[str]] = {
    "text": _ANY | _EQUAL | {"contains", "icontains", "regex"},
    "number": _ANY | _EQUAL | _ORDER,
    "money": _ANY | _EQUAL | _ORDER,
    "moment": _ANY | _EQUAL | _ORDER,
    "flag": _ANY | {"eq", "ne"},
    "list": _ANY | {"contains"},
}
"""The comparisons that each kind of trait knows."""


class MeantError(ValueError):
    """The comparison can not be meant; `key` is the part of the trait that is wrong."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


class _Column(NamedTuple):
    """A trait in a row `p`, and how its values are read."""

    sql: str
    kind: Kind
    currency: str | None
    timezone: str
    as_of: datetime


def compare(trait: Trait, field: Field, bindings: Bindings, *, timezone: str, as_of: datetime) -> str:
    """The comparison over a row `p` of `dim_customers`; bare dates are days in `timezone`.

    Raises:
        MeantError: the op or the value does not fit the trait.
    """
    if trait.op not in OPS[field.kind]:
        allowed = ", ".join(sorted(OPS[field.kind]))
        raise MeantError("op", f"{field.name} ({field.kind}) knows {allowed}")
    if trait.currency is not None and field.kind != "money":
        raise MeantError("currency", f"{field.name} is no amount of money")
    column = _Column(_column_sql(trait, field, bindings), field.kind, trait.currency, timezone, as_of)
    if trait.op in _ANY:
        if trait.value is not None:
            raise MeantError("value", f"{trait.op} takes no value")
        return _set_or_not(trait.op, column)
    values = _values(trait, column)
    match trait.op:
        case "eq" | "in":
            return _equals(column, values, bindings)
        case "ne" | "not_in":
            return f"(not {_equals(column, values, bindings)})"
        case "contains":
            return _true(f"contains({column.sql}, {bindings.add(values[0])})")
        case "icontains":
            return _true(f"contains(lower({column.sql}), lower({bindings.add(values[0])}))")
        case "regex":
            return _true(f"regexp_matches({column.sql}, {bindings.add(_regex(str(values[0])))})")
    return _ordered(trait.op, column, values[0], bindings)


def _column_sql(trait: Trait, field: Field, bindings: Bindings) -> str:
    if field.kind != "money":
        return f'p."{field.name}"'
    amount, currency = money()[field.name]
    if trait.op in _ANY:
        return f'p."{amount}"'
    if trait.currency is None:
        raise MeantError("currency", "say in which currency the amount is meant, for example USD")
    # Nothing is nothing in every currency.
    code = bindings.add(trait.currency.upper())
    return f'(case when p."{amount}" = 0 or upper(p."{currency}") = {code} then p."{amount}" end)'


def _true(sql: str) -> str:
    return f"coalesce({sql}, false)"


def _set_or_not(op: str, column: _Column) -> str:
    empty = {"text": f" and {column.sql} <> ''", "list": f" and len({column.sql}) > 0"}.get(column.kind, "")
    sql = f"({column.sql} is not null{empty})"
    return sql if op == "is_set" else f"(not {sql})"


def _equals(column: _Column, values: list[object], bindings: Bindings) -> str:
    if len(values) > 1 and all(isinstance(value, str) for value in values):
        # A list of thousands of people is one value, not thousands of comparisons.
        return _true(f"list_contains({bindings.add(values)}, {column.sql})")
    parts = [
        f"({column.sql} >= {bindings.add(value.begin)} and {column.sql} < {bindings.add(value.end)})"
        if isinstance(value, Day)
        else f"{column.sql} = {bindings.add(value)}"
        for value in values
    ]
    return _true(f"({' or '.join(parts) or 'false'})")


def _ordered(op: str, column: _Column, value: object, bindings: Bindings) -> str:
    if isinstance(value, (Day, datetime)):
        # Of a day: after it means from its end on, up to it means before its end.
        is_begin = op in ("gt", "gte")
        edge = begin_of(value, after=op == "gt") if is_begin else end_of(value, before=op == "lt")
        return _true(f"{column.sql} {'>=' if is_begin else '<'} {bindings.add(edge)}")
    return _true(f"{column.sql} {SIGNS[op]} {bindings.add(value)}")


def _values(trait: Trait, column: _Column) -> list[object]:
    many = trait.op in ("in", "not_in")
    if isinstance(trait.value, list) != many:
        raise MeantError("value", f"{trait.op} takes {'a list' if many else 'one value'}")
    given = trait.value if many else [trait.value]
    if trait.op in _EQUAL and column.kind == "moment" and any(map(is_relative, given)):
        raise MeantError("value", "no moment is exactly so long ago; compare with gt, gte, lt or lte")
    return [_value(part, column) for part in given]


def _value(value: object, column: _Column) -> object:
    if value is None:
        raise MeantError("value", "is missing (for a missing trait use is_not_set)")
    if column.kind in ("text", "list"):
        if not isinstance(value, str):
            raise MeantError("value", "has to be a text; put it in quotes")
        return value
    if column.kind == "flag":
        if not isinstance(value, bool):
            raise MeantError("value", "has to be true or false")
        return value
    if column.kind == "moment":
        try:
            return resolve(value, column.timezone, column.as_of)
        except ValueError as problem:
            raise MeantError("value", str(problem)) from None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise MeantError("value", "has to be a number")
    if abs(value) >= 10**15:
        raise MeantError("value", "is too large")
    number = Decimal(str(value))
    # Written out, because the driver does not read 2E+3.
    return Decimal(f"{minor(number, column.currency) if column.currency is not None else number:f}")


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
