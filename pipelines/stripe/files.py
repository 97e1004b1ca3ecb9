"""`ingest stripe --from`: dumps and exports as files, in any order, in any API version."""

from __future__ import annotations

import glob
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.landing import Landing
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.stripe.load import load_landed, prepare_stripe
from pipelines.warehouse import Warehouse

_ENDINGS = (
    ".jsonl",
    ".ndjson",
    ".json",
    ".jsonl.gz",
    ".ndjson.gz",
    ".json.gz",
    ".jsonl.zst",
    ".ndjson.zst",
    ".json.zst",
)


def ingest_files(
    settings: Settings,
    paths: Iterable[str],
    *,
    account: str = "default",
    as_of: datetime | None = None,
    now: datetime,
) -> LoadSummary:
    """Land and load files of Stripe objects or events; each file once.

    `as_of` is the time that bare objects stand for; left out it is the file's modification time.

    Raises:
        UsageError: a path that leads to nothing; nothing was loaded.
        BusyError: another process writes.
    """
    begin = time.monotonic()
    files = _find(paths)
    landing = Landing(settings.landing_dir)
    with Warehouse(settings).write("millstream ingest stripe") as connection:
        prepare_stripe(connection)
        already = dict(connection.execute("select input_id, read from raw_stripe.loads").fetchall())
        summary = LoadSummary()
        for path in files:
            moment = as_of or datetime.fromtimestamp(path.stat().st_mtime, UTC)
            options = {"account": account, "source": "file", "fetched_at": moment.isoformat()}
            segments = landing.add_file(path, source="stripe", file_format="stripe", options=options, now=now)
            if segments and segments[0].input_id in already:
                read = int(already[segments[0].input_id])
                summary.add(LoadSummary(files=1, read=read, unchanged=read))
        summary.add(load_landed(connection, settings, now=now))
    summary.seconds = time.monotonic() - begin
    return summary


def _find(paths: Iterable[str]) -> list[Path]:
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            matches = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(_ENDINGS))
        elif path.is_file():
            matches = [path]
        else:
            matches = sorted(Path(match) for match in glob.glob(given, recursive=True))
        if not matches:
            raise UsageError(f"there is no file of Stripe objects at {given}. Nothing was loaded.")
        found.update(dict.fromkeys(matches))
    return list(found)
