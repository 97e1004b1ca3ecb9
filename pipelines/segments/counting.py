"""What people did, counted once for everybody: each table is read one time, however many rules ask of it.

A rule asks for a column and gets its name; afterwards every table that was asked of becomes one
group-by with filtered counts, joined to the people. Equal questions share a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from pipelines.conditions import Bindings

Measure = Literal["count", "first", "last"]
_SQL: dict[Measure, str] = {
    "count": "count(*) filter (where {})",
    "first": "min(event_at) filter (where {})",
    "last": "max(event_at) filter (where {})",
}
_UNITED: dict[Measure, str] = {"count": "sum({})", "first": "min({})", "last": "max({})"}


class Span(NamedTuple):
    """The time that counts, as naive UTC: from `begin` on, up to `end`, which does not count itself."""

    begin: datetime | None
    end: datetime


class Table(NamedTuple):
    """A relation of things that happened, with `event_at`, and what tells whose they are.

    `named` is its column with the name by which rows are found; `people` leads from `key` to `person_key` and
    `person_id` where the relation does not know them itself.
    """

    name: str
    sql: str
    named: str
    key: str = "person_id"
    people: str | None = None


@dataclass(frozen=True)
class _Column:
    """One thing that is counted: of which names, in which time, under which further test."""

    measure: Measure
    names: tuple[str, ...] | None
    span: Span
    test: str


@dataclass
class Counting:
    """The columns that rules asked for, by table."""

    bindings: Bindings
    sampled: int | None = None
    """One in so many people is looked at; None = everybody."""
    _tables: dict[str, Table] = field(default_factory=dict)
    _columns: dict[str, dict[object, _Column]] = field(default_factory=dict)

    def column(
        self,
        table: Table,
        measure: Measure,
        names: Sequence[str] | None,
        span: Span,
        *,
        key: object = None,
        test: str = "true",
    ) -> str:
        """SQL of a column over the joined people; null (0 for a count) where nothing fits.

        `names` that rows may have (None = any), and a further `test` over a row; `key` says what the test means,
        so that two rules that ask the same share a column.
        """
        self._tables[table.name] = table
        columns = self._columns.setdefault(table.name, {})
        wanted = _Column(measure, None if names is None else tuple(names), span, test)
        same = (measure, wanted.names, span, key)
        columns.setdefault(same, wanted)
        number = list(columns).index(same)
        sql = f"{table.name}.n{number}"
        return f"coalesce({sql}, 0)" if measure == "count" else sql

    def ctes(self) -> list[str]:
        """Each table's counts as a CTE of its name, one row per person."""
        return [f"{name} as ({self._cte(table)})" for name, table in self._tables.items()]

    def joins(self) -> str:
        """The joins that bring the counts to the people `p`."""
        return "".join(f" left join {name} on p.person_id = {name}.person_id" for name in self._tables)

    def _cte(self, table: Table) -> str:
        columns = list(self._columns[table.name].values())
        tests = [*self._common(table, columns), *self._sample(table)]
        counted = ", ".join(
            f"{_SQL[column.measure].format(self._test(table, column))} as n{number}"
            for number, column in enumerate(columns)
        )
        sql = f"select {table.key}, {counted} from {table.sql} where {' and '.join(tests)} group by {table.key}"
        if table.people is None:
            return sql
        # Numbers are counted faster than ids; a person may have been several visitors.
        united = ", ".join(
            f"{_UNITED[column.measure].format(f'n{number}')} as n{number}" for number, column in enumerate(columns)
        )
        person = f"any_value(person_id) as person_id, {united}"
        return f"select {person} from ({sql}) inner join {table.people} using ({table.key}) group by person_key"

    def _common(self, table: Table, columns: list[_Column]) -> list[str]:
        """What every row that counts anywhere fulfils: files and parts of files without one are not read."""
        tests = [f"event_at < {self.bindings.add(max(column.span.end for column in columns))}"]
        begins = [column.span.begin for column in columns]
        known = [begin for begin in begins if begin is not None]
        if len(known) == len(begins):
            tests.append(f"event_at >= {self.bindings.add(min(known))}")
        names = [column.names for column in columns]
        if None not in names:
            wanted = sorted({name for part in names for name in part or ()})
            tests.append(f"{table.named} in ({', '.join(map(self.bindings.add, wanted)) or 'null'})")
        return tests

    def _sample(self, table: Table) -> list[str]:
        if self.sampled is None:
            return []
        if table.people is None:
            return [sample_sql("person_id", self.sampled)]
        some = f"select {table.key} from {table.people} where {sample_sql('person_id', self.sampled)}"
        return [f"{table.key} in ({some})"]

    def _test(self, table: Table, column: _Column) -> str:
        tests = [f"event_at < {self.bindings.add(column.span.end)}"]
        if column.span.begin is not None:
            tests.append(f"event_at >= {self.bindings.add(column.span.begin)}")
        if column.names is not None:
            tests.append(f"{table.named} in ({', '.join(map(self.bindings.add, column.names)) or 'null'})")
        return " and ".join([*tests, f"({column.test})"])


def sample_sql(person: str, one_in: int) -> str:
    """SQL that is true for one in so many people, always the same ones."""
    return f"hash({person}) % {one_in:d} = 0"
