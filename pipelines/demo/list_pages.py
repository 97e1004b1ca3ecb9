"""One page of a list: parameters, filters, cursors. What a page looks like on the wire is in answers.py."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from pipelines.demo.kinds import KindSpec
from pipelines.demo.object_store import Row, Shelf
from pipelines.demo.refusals import invalid, missing

Parameters = dict[str, Any]

PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})
NAME = re.compile(r"^(\w+)(?:\[(\w*)\])?$")
BOUNDS = ("gt", "gte", "lt", "lte")


def parameters(query: str) -> Parameters:
    """The query string: plain values, `name[n]` as lists, `name[bound]` as dicts."""
    found: Parameters = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        match = NAME.match(key)
        if match is None:
            raise invalid(f"Received unknown parameter: {key}", key, code="parameter_unknown")
        name, inside = match.groups()
        if inside is None:
            found[name] = value
        elif inside == "" or inside.isdigit():
            found.setdefault(name, []).append(value)
        else:
            found.setdefault(name, {})[inside] = value
    return found


def check_names(given: Parameters, spec: KindSpec) -> None:
    """Refuse parameters that the list does not have, and a list without what it needs."""
    known = PAGING | spec.filters.keys() | spec.ranges | spec.extra | {"customer_account"}
    for name in given:
        if name not in known:
            raise invalid(f"Received unknown parameter: {name}", name, code="parameter_unknown")
    if spec.required and spec.required not in given:
        raise invalid(f"Missing required param: {spec.required}.", spec.required, code="parameter_missing")


def limit_of(given: Parameters) -> int:
    """The page's size: 1 to 100, 10 when not told."""
    try:
        limit = int(given.get("limit", 10))
    except ValueError:
        raise invalid(f"Invalid integer: {given['limit']}", "limit", code="parameter_invalid_integer") from None
    if not 1 <= limit <= 100:
        raise invalid("This value must be between 1 and 100.", "limit", code="parameter_invalid_integer")
    return limit


def page_of(shelf: Shelf, spec: KindSpec, given: Parameters, keep: Callable[[Row], bool]) -> tuple[list[Row], bool]:
    """The rows of one page, newest first, and whether more follow in the direction of travel."""
    limit = limit_of(given)
    low, high = _span(shelf, given.get("created"))
    after, before = given.get("starting_after"), given.get("ending_before")
    wanted = [_filter(shelf, spec, name, value) for name, value in given.items() if name in spec.filters]
    passes = [keep, *(test for test in wanted if test is not None)]
    if before is not None:
        high = min(high, _cursor(shelf, spec, before, "ending_before"))
        rows, more = _take(reversed(range(low, high)), shelf, passes, limit)
        return rows[::-1], more
    if after is not None:
        low = max(low, _cursor(shelf, spec, after, "starting_after") + 1)
    return _take(range(low, high), shelf, passes, limit)


def part_of(members: list[Any], given: Parameters, singular: str) -> tuple[list[Any], bool]:
    """One page of a short list that is kept in its own order (invoice lines, subscription items)."""
    limit, low, high = limit_of(given), 0, len(members)
    ids = [member["id"] for member in members]
    for name in ("starting_after", "ending_before"):
        if name in given and given[name] not in ids:
            raise missing(singular, given[name], param=name, status=400)
    if "starting_after" in given:
        low = ids.index(given["starting_after"]) + 1
    if "ending_before" in given:
        high = ids.index(given["ending_before"])
        return members[max(low, high - limit) : high], high - limit > low
    return members[low : low + limit], low + limit < high


def _take(
    numbers: Iterable[int], shelf: Shelf, passes: list[Callable[[Row], bool]], limit: int
) -> tuple[list[Row], bool]:
    rows: list[Row] = []
    for number in numbers:
        row = shelf.rows[number]
        if all(test(row) for test in passes):
            if len(rows) == limit:
                return rows, True
            rows.append(row)
    return rows, False


def _cursor(shelf: Shelf, spec: KindSpec, identity: str, param: str) -> int:
    position = shelf.position.get(identity)
    if position is None:
        raise missing(spec.singular, identity, param=param, status=400)
    return position


def _span(shelf: Shelf, created: Any) -> tuple[int, int]:
    """Positions [low, high) of the rows whose creation time fits; rows are newest first."""
    low, high = 0, len(shelf.rows)
    if created is None:
        return low, high
    for bound, moment in bounds_of("created", created).items():
        if bound == "lte":
            low = max(low, bisect_left(shelf.ages, -moment))
        elif bound == "lt":
            low = max(low, bisect_right(shelf.ages, -moment))
        elif bound == "gte":
            high = min(high, bisect_right(shelf.ages, -moment))
        else:
            high = min(high, bisect_left(shelf.ages, -moment))
    return low, high


def bounds_of(name: str, value: Any) -> dict[str, int]:
    """The bounds of a range filter; a plain number means exactly that second."""
    given = value if isinstance(value, dict) else {"gte": value, "lte": value}
    try:
        numbers = {bound: int(moment) for bound, moment in given.items()}
    except (TypeError, ValueError):
        raise invalid(f"Invalid integer: {value}", name, code="parameter_invalid_integer") from None
    for bound in numbers:
        if bound not in BOUNDS:
            raise invalid(f"Received unknown parameter: {name}[{bound}]", name, code="parameter_unknown")
    return numbers


def _filter(shelf: Shelf, spec: KindSpec, name: str, value: Any) -> Callable[[Row], bool] | None:
    """A test for one filter; None where the rule is the caller's own (status, type wildcards)."""
    if (name == "status" and spec.singular == "subscription") or (name == "type" and spec.singular == "event"):
        return None
    column = shelf.names.index(name)
    if name in spec.ranges:
        bounds = bounds_of(name, value)
        return lambda row: row.facets[column] is not None and _inside(row.facets[column], bounds)
    return lambda row: _text(row.facets[column]) == value


def _inside(moment: int, bounds: dict[str, int]) -> bool:
    checks = {"gt": moment.__gt__, "gte": moment.__ge__, "lt": moment.__lt__, "lte": moment.__le__}
    return all(checks[bound](limit) for bound, limit in bounds.items())


def _text(value: Any) -> Any:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value
