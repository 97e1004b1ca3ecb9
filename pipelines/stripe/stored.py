"""What the warehouse holds of a kind: asked by a listing, to find what Stripe no longer shows."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

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
        self._known: dict[tuple[str, str], pa.Table] = {}

    def ids(self, kind: Kind, condition: str, low: int | None = None, high: int | None = None) -> set[str]:
        """Ids of those not deleted that meet the condition (SQL), made from `low` to `high` (seconds)."""
        if (kind.name, condition) not in self._known:
            self._known[kind.name, condition] = self._connection.execute(
                f"select id, try_cast(json_extract_string(payload, '/{kind.created}') as bigint) as made "
                f"from raw_stripe.{kind.table} where account = $account and livemode = $is_live and not is_deleted "
                f"and ({condition})",
                {"account": self._account, "is_live": self._is_live},
            ).to_arrow_table()
        known = self._known[kind.name, condition]
        if low is not None:
            known = known.filter(pc.greater_equal(known["made"], low))
        if high is not None:
            known = known.filter(pc.less_equal(known["made"], high))
        return set(known["id"].to_pylist())
