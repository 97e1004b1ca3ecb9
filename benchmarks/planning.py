"""Planning a campaign to a million people: the audience worked out and frozen in the ledger, on SQLite.

Nine in ten agreed, one in fifty is suppressed, one in a hundred shares an address or has none that can be
mailed; the mail shows five traits, a tenth is held out, everybody is due in their own zone. A process of its
own plans and tells its peak memory. Beside it the same rows are copied within SQLite, from one table to
another with the same indexes: what the ledger costs whoever fills it.

`python -m benchmarks.planning 100000` measures another size.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, insert, select

from pipelines.campaigns import approve, parse_campaign, plan, save, schedule
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import consents, recipients, suppressions
from pipelines.warehouse import SnapshotReader, Warehouse, publish

SIZE = 1_000_000
BATCH = 10_000
NOW = datetime(2026, 11, 24, tzinfo=UTC)
DUE = datetime(2026, 11, 26, 19, tzinfo=UTC)
OCCURRENCE = "2026-11-26T19:00Z"
_PEOPLE = """
create or replace table marts.dim_customers as
select
    'user_' || n as person_id,
    case
        when n % 100 = 0 then 'someone.' || (n // 200) || '@shared.example'
        when n % 1000 = 7 then 'no address'
        else (['ann', 'Bob', 'cleo', 'dan'])[1 + n % 4] || '.' || n || '@' ||
            (['gmail.com', 'Outlook.com', 'company-' || (n % 50000) || '.example'])[1 + n % 3]
    end as email,
    (['Ann', 'Bob', 'Cleo', 'Dan'])[1 + n % 4] as first_name,
    (['DE', 'US', 'JP', 'BR'])[1 + n % 4] as country,
    (['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'America/Sao_Paulo', 'UTC'])[1 + n % 5] as timezone,
    (['Team', 'Pro', 'Basic'])[1 + n % 3] as plan,
    cast(n % 50000 as bigint) as mrr_minor,
    'EUR' as mrr_currency,
    cast(hash(n) % 30 as bigint) as payments_count,
    timestamp '2025-01-01' + to_seconds(n) as customer_since
from range($size) as people(n)
"""
_KEYS = """
select sha256(lower(email)) as key, min(hash(person_id)) % 100 as share
from marts.dim_customers where email like '%@%' and hash(person_id, 7) % 100 < 90
group by key
"""
_DOCUMENT = {
    "name": "news",
    "segment": "everybody",
    "subject": "{{ first_name | default('Hello') }}, {{ plan | default('your plan') }}",
    "html": "<p>{{ country | default('') }} {{ mrr | default('') }} {{ customer_since | default('') }}</p>"
    "<p><a href='{{ unsubscribe_url }}'>Leave</a> {{ postal_address }}</p>",
    "holdout": 0.1,
    "variants": [{"name": "A", "weight": 1}, {"name": "B", "weight": 1}],
    "schedule": {"at": "2026-11-27T09:00", "timezone": "recipient", "max_lateness": "3h"},
}


def measure(size: int = SIZE) -> str:
    """Seconds and peak memory of one plan, and its time against copying the same rows within SQLite."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(MILLSTREAM_DATA_DIR=Path(name), MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely")
        _prepare(settings, size)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            rows, seconds, peak = pool.submit(_plan, settings).result()
        copy = _copied(settings)
        with reading(open_state(settings)) as connection:
            counted = select(recipients.c.state, func.count()).group_by(recipients.c.state)
            states = {state: times for state, times in connection.execute(counted)}  # noqa: C416 (rows are no pairs)
    return (
        f"{size:,} people planned in {seconds:.1f} s, at most {peak / 1024:.2f} GB ({rows:,} rows: {states}); "
        f"{seconds / copy:.1f} times copying the same rows within SQLite ({copy:.1f} s)"
    )


def _prepare(settings: Settings, size: int) -> None:
    engine = open_state(settings)
    with Warehouse(settings).write("benchmark") as connection:
        connection.execute(_PEOPLE, {"size": size})
        publish(connection, settings, as_of=NOW, now=NOW)
        agreed = connection.execute(_KEYS)
        with writing(engine) as state:
            while batch := agreed.fetchmany(BATCH):
                rows = [
                    {"address_key": key, "purpose": "marketing", "granted_at": NOW, "source": "form"}
                    for key, _ in batch
                ]
                state.execute(insert(consents), rows)
                refused = [{"address_key": key, "scope": "all"} for key, share in batch if share < 2]
                values = {"reason": "bounce", "source": "benchmark", "created_at": NOW}
                state.execute(insert(suppressions), [{**row, **values} for row in refused])
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), NOW)
    save(engine, parse_campaign(json.dumps(_DOCUMENT), settings.data_dir), NOW)
    approve(engine, settings, "news", NOW, user="benchmark")
    schedule(engine, settings, "news", NOW)


def _plan(settings: Settings) -> tuple[int, float, float]:
    snapshot = SnapshotReader(settings.published_dir).current()
    assert snapshot is not None
    began = time.perf_counter()
    rows = plan(open_state(settings), snapshot, settings, "news", DUE, occurrence=OCCURRENCE)
    return rows, time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _copied(settings: Settings) -> float:
    """Seconds that SQLite takes to copy the planned rows, a transaction on disk as the planner's."""
    with sqlite3.connect(settings.data_dir / "state.sqlite", isolation_level=None) as connection:
        connection.execute("pragma synchronous=full")
        made = connection.execute("select sql from sqlite_master where tbl_name = 'recipients' and sql is not null")
        for (sql,) in made.fetchall():
            connection.execute(sql.replace("recipients", "copied"))
        began = time.perf_counter()
        connection.execute("begin immediate")
        connection.execute("insert into copied select * from recipients")
        connection.execute("commit")
        return time.perf_counter() - began


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else SIZE))
