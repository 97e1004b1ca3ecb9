"""The state store as one more source: its tables copied into `raw_state` and `segments`.

Copied whole at each build, because they are small beside the events and change in place. What is
personal and not needed by a model (addresses, variables, bodies) stays behind.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from sqlalchemy import Engine, select

from pipelines.state import reading
from pipelines.state.tables import (
    campaigns,
    consent_events,
    consents,
    metadata,
    recipients,
    segment_memberships,
    suppressions,
)
from pipelines.warehouse.writer import Connection, transaction

_LEFT_BEHIND = {
    campaigns.name: {"document", "html", "text", "bodies"},
    recipients.name: {"address", "variables"},
    suppressions.name: {"is_hidden"},
    consent_events.name: {"entry_id", "proof"},
}
# A word of SQL's own, which no model could name without quoting it.
_RENAMED = {(consent_events.name, "at"): "told_at"}
_TARGETS = {
    consents.name: "raw_state.consents",
    consent_events.name: "raw_state.consent_events",
    suppressions.name: "raw_state.suppressions",
    campaigns.name: "raw_state.campaigns",
    recipients.name: "raw_state.campaign_recipients",
    segment_memberships.name: "segments.memberships",
}
_TYPES: dict[str, pl.DataType] = {"INTEGER": pl.Int64(), "DATETIME": pl.Datetime("us")}


def copy_state(connection: Connection, state: Engine, names: Mapping[str, str] | None = None) -> None:
    """Replace the copies by what the state store holds now, in one transaction.

    `names` gives the address key behind the hidden key of a suppression, of people that the warehouse knows; another
    stays hidden, and is nobody's here.
    """
    known = names or {}
    with reading(state) as source, transaction(connection):
        for name, target in _TARGETS.items():
            table = metadata.tables[name]
            columns = [
                column.label(_RENAMED.get((name, column.name), column.name))
                for column in table.columns
                if column.name not in _LEFT_BEHIND.get(name, set())
            ]
            rows = source.execute(select(*columns)).mappings().all()
            schema = {column.name: _TYPES.get(str(column.type), pl.String()) for column in columns}
            plain = [
                {key: value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value for key, value in row.items()}
                for row in rows
            ]
            if name == suppressions.name:
                plain = [{**row, "address_key": known.get(row["address_key"], row["address_key"])} for row in plain]
            copied = pl.DataFrame(plain, schema=schema)  # DuckDB finds it by this name.
            connection.execute(f"create or replace table {target} as from copied")
            del copied
