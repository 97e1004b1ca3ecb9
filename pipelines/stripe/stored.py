"""What the warehouse holds of a kind: asked by a listing, to find what Stripe no longer shows."""

from __future__ import annotations

from typing import Protocol

from pipelines.stripe.catalogue import Kind
from pipelines.warehouse.writer import Connection


class Stored(Protocol):
    """The stored objects of one account in one mode."""

    def ids(self, kind: Kind, condition: str, low: int | None = None, high: int | None = None) -> set[str]:
        """Ids of those not deleted that meet the condition (SQL), made from `low` to `high` (seconds)."""


class StoredObjects:
    """Those of `raw_stripe`, as they were when a kind was first asked for."""

    def __init__(self, connection: Connection, account: str, mode: str) -> None:
        self._connection, self._account, self._is_live = connection, account, mode == "live"
        self._tables: dict[tuple[str, str], str] = {}

    def ids(self, kind: Kind, condition: str, low: int | None = None, high: int | None = None) -> set[str]:
        """Ids of those not deleted that meet the condition (SQL), made from `low` to `high` (seconds)."""
        if (kind.name, condition) not in self._tables:
            name = f"stored_{len(self._tables)}"
            self._connection.execute(
                f"create or replace temp table {name} as "
                f"select id, try_cast(json_extract_string(payload, '/{kind.created}') as bigint) as made "
                f"from raw_stripe.{kind.table} where account = $account and livemode = $is_live and not is_deleted "
                f"and ({condition}) order by made",
                {"account": self._account, "is_live": self._is_live},
            )
            self._tables[kind.name, condition] = name
        rows = self._connection.execute(
            f"select id from {self._tables[kind.name, condition]} "
            "where ($low is null or made >= $low) and ($high is null or made <= $high)",
            {"low": low, "high": high},
        ).fetchall()
        return {str(row[0]) for row in rows}
