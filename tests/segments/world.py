"""A small world in which everything that a rule may ask of has happened, told to the warehouse and to Python alike."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from pipelines.settings import Settings
from pipelines.warehouse import Snapshot, SnapshotReader, Warehouse, publish
from pipelines.warehouse.lake import LAKE_COLUMNS, prepare_lake, refresh_lake_view
from pipelines.warehouse.writer import Connection
from tests.segments.people import COLUMNS, NOW, naive, person

ZONE = "America/New_York"
HOSTILE = "it's; drop table x --"
EVENTS = ("login", "export", HOSTILE)
CAMPAIGNS = ("spring", "autumn")
STATES = ("accepted", "holdout", "planned", "suppressed")
TOLD_AT = {
    "delivered": "delivered_at",
    "opened": "first_opened_at",
    "clicked": "first_clicked_at",
    "bounced": "bounced_at",
    "dropped": "dropped_at",
    "complained": "complained_at",
    "unsubscribed": "unsubscribed_at",
}
PLANS = ("pro", "basic", "", None)

Row = dict[str, Any]


class World(NamedTuple):
    """What happened; times are naive UTC."""

    people: list[Row]
    events: list[Row]
    mails: list[Row]
    recipients: list[Row]
    payments: list[Row]


def make_world(seed: int, size: int = 60) -> World:
    """A world by chance; times fall on edges of days and windows often."""
    random = Random(seed)
    now = naive(NOW.year, NOW.month, NOW.day)

    def moment() -> datetime:
        return now - timedelta(hours=random.choice((2, 4, 6, 12)) * random.randrange(-4, 200))

    people = [
        person(
            number,
            plan=random.choice(PLANS),
            payments_count=random.randrange(4),
            is_guest=random.choice((True, False, None)),
            mrr_minor=random.choice((0, 1999, 2000, 2001, None)),
            mrr_currency=random.choice(("USD", "EUR", None)),
            first_seen_at=random.choice((None, moment(), moment())),
            customer_since=random.choice((None, moment())),
        )
        for number in range(size)
    ]
    names = [one["person_id"] for one in people]
    events = [
        {
            "person_id": random.choice(names[: size * 3 // 4]),
            "visitor": random.randrange(2),
            "event": random.choice(EVENTS),
            "at": moment(),
            "properties": {
                name: random.choice(values)
                for name, values in (("plan", ["pro", "basic", "o'b"]), ("n", [1, 2, "3", True]))
                if random.random() < 0.7
            },
        }
        for _ in range(size * 6)
    ]
    mails = [
        {
            "person_id": random.choice(names),
            "outcome": random.choice(("clicked", "opened", "delivered", "deferred")),
            "campaign": random.choice(CAMPAIGNS),
            "at": moment(),
            "by_machine": random.random() < 0.3,
            "recipient_id": random.choice((None, f"r{random.randrange(size):03d}")),
        }
        for _ in range(size * 2)
    ]
    recipients = []
    for number in range(size):
        planned = moment()
        told = {name: random.choice((None, None, planned + timedelta(hours=random.randrange(90)))) for name in TOLD_AT}
        recipients.append(
            {
                "recipient_id": f"r{number:03d}",
                "person_id": random.choice(names),
                "campaign": random.choice(CAMPAIGNS),
                "variant": random.choice(("A", "B", None)),
                "state": random.choice(STATES),
                "planned_at": planned,
                "done_at": random.choice((None, planned, planned + timedelta(hours=30))),
                **told,
            }
        )
    payments = [
        {
            "person_id": random.choice([*names[: size // 2], None]),
            "kind": random.choice(("charge", "charge", "charge", "refund", "dispute")),
            "currency": random.choice(("USD", "USD", "EUR")),
            "amount": random.choice((500, 1000, 2000)),
            "at": moment(),
        }
        for _ in range(size * 2)
    ]
    for row in payments:
        row["amount"] *= 1 if row["kind"] == "charge" else -1
    return World(people, events, mails, recipients, payments)


def publish_world(world: World, folder: Path) -> Snapshot:
    """The same world as a build publishes it: events in the lake, under visitors whom the identity map knows."""
    settings = Settings(MILLSTREAM_DATA_DIR=folder)
    with Warehouse(settings).write("test") as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        _table(connection, "marts.dim_customers", columns, [list(one.values()) for one in world.people])
        _lay_events(connection, settings, world)
        mails = "person_id varchar, outcome varchar, campaign varchar, event_at timestamp, is_machine_open boolean, recipient_id varchar"
        _table(connection, "marts.fct_email_events", mails, [list(one.values()) for one in world.mails])
        told = ", ".join(f"{column} timestamp" for column in TOLD_AT.values())
        recipients = f"recipient_id varchar, person_id varchar, campaign varchar, variant varchar, state varchar, planned_at timestamp, done_at timestamp, {told}"
        _table(
            connection, "marts.fct_campaign_recipients", recipients, [list(one.values()) for one in world.recipients]
        )
        payments = "person_id varchar, kind varchar, currency varchar, amount_minor bigint, paid_at timestamp"
        _table(connection, "marts.fct_payments", payments, [list(one.values()) for one in world.payments])
        publish(connection, settings, as_of=NOW, now=NOW)
    snapshot = SnapshotReader(settings.published_dir).current()
    assert snapshot is not None
    return snapshot


def _lay_events(connection: Connection, settings: Settings, world: World) -> None:
    visitors = sorted({(one["person_id"], one["visitor"]) for one in world.events})
    keys = {visitor: number for number, visitor in enumerate(visitors, start=1)}
    firsts: dict[str, int] = {}
    for (who, _), number in keys.items():
        firsts.setdefault(who, number)
    _table(
        connection,
        "raw_events.identity_map",
        "visitor_key integer, person_key integer, person_id varchar",
        [[number, firsts[who], who] for (who, _), number in keys.items()],
    )
    rows = [
        [f"m{number}", False, "track", one["event"], keys[one["person_id"], one["visitor"]], one["at"], one["at"],
         json.dumps(one["properties"]), None, one["at"].date()]
        for number, one in enumerate(world.events)
    ]  # fmt: skip
    prepare_lake(connection)
    _table(connection, "raw_events.laid", ", ".join(f"{name} {kind}" for name, kind in LAKE_COLUMNS.items()), rows)
    file = settings.lake_dir / "events" / "all.parquet"
    file.parent.mkdir(parents=True)
    connection.execute(f"copy raw_events.laid to '{file}' (format parquet)")
    connection.execute(
        "insert into raw_events.lake_files values ('2026-01-01', $file, $rows)",
        {"file": str(file.relative_to(settings.lake_dir)), "rows": len(rows)},
    )
    refresh_lake_view(connection, settings)
    connection.execute(
        "create view marts.fct_events as select person_id, event, event_at, properties "
        "from warehouse.raw_events.lake_events left join warehouse.raw_events.identity_map using (visitor_key)"
    )


def _table(connection: Connection, name: str, columns: str, rows: list[list[Any]]) -> None:
    connection.execute(f"create or replace table {name} ({columns})")
    line = f"({', '.join('?' for _ in rows[0])})"
    values = [value for row in rows for value in row]
    connection.execute(f"insert into {name} values {', '.join([line] * len(rows))}", values)
