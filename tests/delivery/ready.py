"""A campaign whose audience stands in the ledger already: what a sender finds, without a snapshot and a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import yaml
from sqlalchemy import Engine, insert, select

from pipelines.campaigns import approve, dedupe_key, move, parse_campaign, save
from pipelines.delivery import report
from pipelines.mail import Mailer
from pipelines.privacy import ConsentRow, address_key, import_consents
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import reading, writing
from pipelines.state.tables import recipients
from tests.segments.people import NOW

HTML = "<p>{{ first_name | default('Hello') }}</p><a href='{{ unsubscribe_url }}'>Leave</a> {{ postal_address }}"


def address(number: int) -> str:
    return f"p{number}@example.com"


def make_ready(
    settings: Settings,
    engine: Engine,
    people: Iterable[int],
    name: str = "win-back",
    *,
    at: datetime = NOW,
    rows: Mapping[int, Mapping[str, Any]] | None = None,
    **document: Any,
) -> str:
    """A campaign that is sending to these people, all of whom agreed; `rows` gives some of them other columns."""
    numbers = list(people)
    import_consents(engine, [ConsentRow(n, email=address(n), source="form", at=at) for n in numbers], at)
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), at)
    told = {"name": name, "segment": "everybody", "subject": "Hi", "html": HTML, "text": HTML, **document}
    save(engine, parse_campaign(yaml.safe_dump(told), settings.data_dir), at)
    approve(engine, settings, name, at, user="ann")
    with writing(engine) as connection:
        move(connection, name, "sending", now=at, actor="test")
    plan_rows(engine, name, numbers, at=at, rows=rows)
    return name


def plan_rows(
    engine: Engine,
    name: str,
    numbers: Iterable[int],
    occurrence: str = "once",
    *,
    at: datetime = NOW,
    rows: Mapping[int, Mapping[str, Any]] | None = None,
) -> None:
    """Write an occurrence's audience into the ledger."""
    planned = []
    for number in numbers:
        key = address_key(address(number))
        row = {
            "dedupe_key": dedupe_key(name, occurrence, key),
            "campaign": name,
            "occurrence": occurrence,
            "person_id": f"p{number:04d}",
            "address": address(number),
            "address_key": key,
            "variables": "{}",
            "variant": "",
            "state": "planned",
            "timezone": None,
            "not_before": None,
            "not_after": None,
            "planned_at": at,
        }
        planned.append({**row, **(rows or {}).get(number, {})})
    with writing(engine) as connection:
        connection.execute(insert(recipients), planned)


def counts(engine: Engine, name: str = "win-back") -> dict[str, int]:
    """Recipients by state."""
    with reading(engine) as connection:
        found: Any = connection.scalars(select(recipients.c.state).where(recipients.c.campaign == name)).all()
    return dict(Counter(found))


def rows_of(engine: Engine, name: str = "win-back") -> list[Any]:
    """The ledger's rows by person."""
    with reading(engine) as connection:
        chosen = select(recipients).where(recipients.c.campaign == name).order_by(recipients.c.person_id)
        return list(connection.execute(chosen).all())


def certificate(engine: Engine, mailer: Mailer | None, name: str = "win-back") -> str:
    return str(report(engine, name, mailer)["certificate"])
