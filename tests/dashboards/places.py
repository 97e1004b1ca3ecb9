"""Data folders that pages are opened over."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from sqlalchemy import insert

from pipelines.campaigns import approve, parse_campaign, save
from pipelines.delivery import send
from pipelines.operations.health import store_checks, store_loads
from pipelines.quality import CheckResult, masked_row
from pipelines.segments import materialise, parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state, writing
from pipelines.state.tables import builds
from pipelines.warehouse import Warehouse, publish
from pipelines.warehouse.lake import refresh_lake_view
from tests.building import newest

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CAMPAIGN, WAITING = "autumn-news", "winter-news"
SUBJECT = "![drawn](https://elsewhere.example/pixel.png) <b>News</b>"
RULE = """
name: visitors
description: Pay and came by
match:
  all:
    - trait: {field: mrr, op: gte, value: 5, currency: USD}
    - event: {name: Home, count: {op: gte, value: 2}, within: 90d}
"""
# Whoever pays was mailed or held out by turns; some mails were delivered and clicked.
_EARNED = """
    insert into marts.fct_campaign_recipients by name
    select
        $campaign as campaign, 'once' as occurrence, person_id as recipient_id, person_id, true as is_drawn,
        number % 3 = 0 as is_held_out, $sent::timestamp as counted_from, number % 9 = 1 as is_delivered,
        number % 9 = 1 as is_clicked, false as is_opened, false as is_bounced, false as is_complained,
        false as is_unsubscribed
    from (select person_id, row_number() over (order by person_id) as number from marts.dim_customers)
"""
_HTML = "<p>Hello</p><a href='{{ unsubscribe_url }}'>Leave</a> {{ postal_address }}"


def fill(built: Path, folder: Path) -> Path:
    """Copy a built folder and send one campaign from it, with a subject that tries to be markup."""
    shutil.copytree(built, folder)
    settings = settings_of(folder)
    engine = open_state(settings)
    for rule in ("name: everybody\nmatch: {all: []}", RULE):
        save_segment(engine, parse_segment(rule), NOW)
    document = {"name": CAMPAIGN, "segment": "everybody", "subject": SUBJECT, "html": _HTML, "holdout": 0.3}
    save(engine, parse_campaign(yaml.safe_dump(document), folder), NOW)
    approve(engine, settings, CAMPAIGN, NOW, user="ann")
    send(settings, CAMPAIGN)
    engine.dispose()
    return folder


def settings_of(folder: Path) -> Settings:
    """The settings of a folder whose paying customers may be mailed."""
    return Settings.model_validate(
        {
            "MILLSTREAM_DATA_DIR": folder,
            "MILLSTREAM_POSTAL_ADDRESS": "1 Example Street, 10115 Berlin",
            "MILLSTREAM_CONSENT": "customers",
        }
    )


def crowd(filled: Path, folder: Path) -> Path:
    """Copy a filled folder and bring into it what pages show only now and then.

    A failed build, a load of some hours ago, a check that failed with its row, a state nobody knows, mails
    that were told of, the members of segments, and a campaign that waits to be sent.
    """
    shutil.copytree(filled, folder)
    settings = settings_of(folder)
    engine = open_state(settings)
    document = {"name": WAITING, "segment": "visitors", "subject": "Soon", "html": _HTML, "holdout": 0.1}
    save(engine, parse_campaign(yaml.safe_dump(document), folder), NOW)
    approve(engine, settings, WAITING, NOW, user="ann")
    with writing(engine) as connection:
        before = {"started_at": NOW - timedelta(days=1), "finished_at": NOW - timedelta(days=1)}
        why = "2 check(s) failed: amount_is_in_range on raw_stripe.charges"
        connection.execute(insert(builds).values(build_id="broken", outcome="failed", reason=why, **before))
    materialise(engine, newest(folder), NOW)
    engine.dispose()
    row = masked_row("default/false/ch_1", {"email": "ann@example.com", "amount": -5})
    failed = CheckResult("amount_is_in_range", "raw_stripe.charges", "millstream", "warn", False, 1, "1 < 0", (row,))
    with Warehouse(settings).write("test") as connection:
        connection.execute(
            'update raw_stripe.charges set payload = json_merge_patch(payload, \'{"status": "floating"}\') '
            "where id = (select min(id) from raw_stripe.charges)"
        )
        connection.execute(_EARNED, {"campaign": CAMPAIGN, "sent": (NOW - timedelta(days=40)).replace(tzinfo=None)})
        connection.execute("update raw_events.loads set loaded_at = loaded_at - interval 3 hour")
        refresh_lake_view(connection, settings)
        store_checks(connection, [failed], now=NOW)
        store_loads(connection)
        publish(connection, settings, as_of=NOW, now=NOW)
    return folder
