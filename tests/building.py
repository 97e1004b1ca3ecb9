"""Bring a small business into a data folder by the product's own functions, as `millstream run` would."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.demo.stripe_server import serving
from pipelines.events import ingest_files
from pipelines.files import content_hash
from pipelines.operations import build
from pipelines.settings import Settings
from pipelines.stripe import StripeApi, sync
from pipelines.warehouse import Snapshot, SnapshotReader

PLAN = """
events:
  Signed Up: {properties: {channel: {type: string, required: true}, referred_by: {required: true}}}
  Report Exported: {properties: {rows: {type: string}}}
"""
"""Of what is meant to come; the small business breaks it in two places."""
UNTIL = "2026-11-24T00:00:00+00:00"


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set variables for the block only."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def demo_settings(folder: Path, stripe_base: str) -> dict[str, str]:
    """The environment of a demo folder against a fake Stripe."""
    return {
        "MILLSTREAM_DATA_DIR": str(folder),
        "MILLSTREAM_POSTAL_ADDRESS": "1 Example Street, 10115 Berlin",
        "STRIPE_API_KEY": "sk_test_demo",
        "STRIPE_API_BASE": stripe_base,
    }


def mark_as_demo(folder: Path, business: Path) -> None:
    """Make `folder` a demo folder whose story ends where the business's does."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"customers": 50, "months": 3, "seed": 7, "until": UNTIL}
    (folder / "demo.json").write_text(json.dumps(told))
    if not (folder / "business").exists():
        shutil.copytree(business, folder / "business")


def ingest_and_build(folder: Path, business: Path) -> None:
    """Ingest Stripe over HTTP and the event files, build, publish."""
    mark_as_demo(folder, business)
    (folder / "tracking_plan.yml").write_text(PLAN)
    with serving(business) as base, environment(**demo_settings(folder, base)):
        settings = Settings()
        sync(settings, StripeApi(settings), now=settings.now())
        ingest_files(settings, [str(business / "events")], now=settings.now())
        build(settings, now=settings.now())


def newest(folder: Path) -> Snapshot:
    """The published snapshot of a data folder."""
    snapshot = SnapshotReader(folder / "published").current()
    assert snapshot is not None
    return snapshot


def published(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every mart's rows, sorted: what readers can see of the business."""
    snapshot = newest(folder)
    names = sorted({*snapshot.manifest.tables, *snapshot.manifest.views})
    return {name: rows(snapshot, name) for name in names if name.startswith("marts.")}


def mart_bytes(folder: Path) -> dict[str, list[str]]:
    """The content hashes of every file behind the published marts, those of the event lake included."""
    snapshot = newest(folder)
    tables = {name: table.files for name, table in snapshot.manifest.tables.items() if not name.startswith("health.")}
    return {
        name: sorted(content_hash(folder / "published" / file) for file in files)
        for name, files in tables.items()
        if not name.startswith("segments.")
    }


def rows(snapshot: Snapshot, name: str) -> list[tuple[object, ...]]:
    """One table's rows in a fixed order."""
    # The keys of visitors follow the order of loading and mean nothing outside one warehouse.
    frame = snapshot.query(f"from {name}").drop("visitor_key", "person_key", "received_at", strict=False)
    return sorted(frame.iter_rows(), key=repr)


def alive(pid: int) -> bool:
    """Whether a process is there and not only waited for."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
