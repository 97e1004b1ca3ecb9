"""The size of a segment while it is drawn: a million people and their events, against the bare scan and group-by.

The rule asks two traits and three counts of events, one of them over the last month only. The bare peer reads the same
columns of the same files under the same filters and groups them by visitor, and nothing else: no people, no traits. The
preview also tells what each rule loses and a few of the people; the estimate is what a page shows before it.

`python -m benchmarks.segments 50000000` measures another number of events.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.funnel import fill
from pipelines.operations import build
from pipelines.segments import SegmentDocument, estimate, members, overlap, preview
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot, SnapshotReader, Warehouse, publish

ROWS, PEOPLE, ROUNDS = 10_000_000, 1_000_000, 5
NOW = datetime(2026, 11, 24, tzinfo=UTC)
MATCH = {
    "all": [
        {"trait": {"field": "subscription_status", "op": "eq", "value": "active"}},
        {"trait": {"field": "mrr", "op": "gte", "value": 20, "currency": "USD"}},
        {"event": {"name": "page_view", "count": {"op": "lte", "value": 1}, "within": "60d"}},
        {
            "any": [
                {"event": {"name": "export", "count": {"op": "gte", "value": 1}}},
                {"event": {"name": "subscribe", "count": {"op": "gte", "value": 1}}},
            ]
        },
    ]
}
_BARE = """
    select count(*), sum(seen), sum(exported), sum(subscribed) from (
        select
            visitor_key,
            count(*) filter (where event = 'page_view' and event_at > timestamp '2026-09-25') as seen,
            count(*) filter (where event = 'export') as exported,
            count(*) filter (where event = 'subscribe') as subscribed
        from raw_events.lake_events
        where event in ('page_view', 'export', 'subscribe') and event_at < timestamp '2026-11-25'
        group by visitor_key
    )
"""


def measure(rows: int = ROWS) -> str:
    """The preview and the estimate as multiples of the bare scan, best of several rounds by turns."""
    with tempfile.TemporaryDirectory() as name:
        snapshot = _published(Path(name), rows)
        document = SegmentDocument.model_validate({"name": "quiet", "match": MATCH})
        other = SegmentDocument.model_validate({"name": "quieter", "match": {"not": MATCH}})
        size = preview(snapshot, document)["size"]
        if not 0 < size == len(members(snapshot, document)) < PEOPLE:
            raise RuntimeError(f"the preview counts {size:,} people")
        ways: dict[str, Callable[[], object]] = {
            "bare": lambda: snapshot.query(_BARE),
            "preview": lambda: preview(snapshot, document),
            "estimate": lambda: estimate(snapshot, document),
            "overlap": lambda: overlap(snapshot, [document, other]),
        }
        rounds = [{way: _time(ask) for way, ask in ways.items()} for _ in range(ROUNDS)]
        best = {way: min(times[way] for times in rounds) for way in ways}
        about = estimate(snapshot, document)
    return (
        f"preview {best['preview'] / best['bare']:.2f} of the bare scan and group-by, estimate "
        f"{best['estimate'] / best['bare']:.2f}, overlap of two {best['overlap'] / best['bare']:.2f}; "
        f"{best['preview']:.2f} s against {best['bare']:.2f} s for {rows:,} events of {PEOPLE:,} people, "
        f"of whom {size:,} fit (estimate {about:,})"
    )


def _time(ask: Callable[[], object]) -> float:
    begin = time.perf_counter()
    ask()
    return time.perf_counter() - begin


def _published(folder: Path, rows: int) -> Snapshot:
    settings = Settings(MILLSTREAM_DATA_DIR=folder / "data")
    build(settings, select="events", now=NOW)
    with Warehouse(settings).write("benchmark") as connection:
        fill(connection, settings, rows, people=PEOPLE)
        connection.execute(
            """
            create or replace table marts.dim_customers as
            select
                person_id, person_id || '@example.com' as email,
                ['DE', 'US', 'NO', 'JP'][1 + (hash(person_id, 1) % 4)::int] as country,
                ['active', 'past_due', 'canceled'][1 + (hash(person_id, 2) % 3)::int] as subscription_status,
                ['Starter', 'Team', 'Scale'][1 + (hash(person_id, 3) % 3)::int] as plan,
                'USD' as mrr_currency, (hash(person_id, 4) % 10000)::bigint as mrr_minor,
                timestamp '2026-08-01' as first_seen_at
            from raw_events.identity_map
            """
        )
        publish(connection, settings, as_of=NOW, now=NOW)
    snapshot = SnapshotReader(settings.published_dir).current()
    assert snapshot is not None
    return snapshot


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
