"""A random world as the relations that the product reads: events, the marts of facts, and who the people are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.behaviour.brute_force import fill
from tests.behaviour.reference import MAILS, PAID, World

if TYPE_CHECKING:
    import duckdb


def load_world(connection: duckdb.DuckDBPyConnection, world: World, unit: int = 1) -> None:
    """Fill the events, the facts' marts and `dim_customers`; a second lasts `unit` seconds."""
    events = [did for did in world.did if not did.is_fact]
    fill(
        connection,
        [
            (
                did.person,
                did.name,
                did.second * unit,
                json.dumps(did.properties),
                did.name if did.name in ("identify", "group") else "track",
                "{}" if did.own_account is None else json.dumps({"groupId": did.own_account}),
            )
            for did in events
        ],
    )
    paid = [did for did in world.did if did.name in PAID]
    mails = [did for did in world.did if did.name in MAILS]
    start = "timestamp '2026-03-01' + to_seconds(unnest(?))"
    connection.execute("delete from marts.fct_stripe_facts")
    connection.execute("delete from marts.fct_email_events")
    connection.execute("delete from marts.dim_customers")
    connection.execute(
        "insert into marts.fct_stripe_facts by name select unnest(?) as fact_id, unnest(?) as event, unnest(?) as person_id, "
        f"{start} as event_at, unnest(?) as amount_minor, unnest(?) as currency, unnest(?) as customer_id",
        [
            [did.key for did in paid],
            [did.name for did in paid],
            [did.person for did in paid],
            [did.second * unit for did in paid],
            [did.amount for did in paid],
            [did.properties["currency"] for did in paid],
            [did.properties["customer_id"] for did in paid],
        ],
    )
    connection.execute(
        "insert into marts.fct_email_events by name select unnest(?) as event_id, unnest(?) as outcome, "
        f"unnest(?) as person_id, {start} as event_at, unnest(?) as campaign, false as is_machine_open",
        [
            [did.key for did in mails],
            [MAILS[did.name] for did in mails],
            [did.person for did in mails],
            [did.second * unit for did in mails],
            [did.properties["campaign"] for did in mails],
        ],
    )
    connection.execute(
        "insert into marts.dim_customers select unnest(?), unnest(?), unnest(?)",
        [
            list(world.customers),
            [known["plan"] for known in world.customers.values()],
            [known["country"] for known in world.customers.values()],
        ],
    )
