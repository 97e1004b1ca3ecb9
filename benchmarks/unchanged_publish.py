"""Publishing a warehouse in which nothing changed, against publishing it the first time."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pipelines.settings import Settings
from pipelines.warehouse import Warehouse, publish

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def measure(rows: int = 2_000_000) -> str:
    """Seconds of the second publish as a part of the first, and the bytes it added."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(MILLSTREAM_DATA_DIR=Path(name))
        with Warehouse(settings).write("benchmark") as connection:
            connection.execute(
                "create table marts.large as select n, n % 977 as part, hash(n) as value from range($rows) as t(n)",
                {"rows": rows},
            )
            seconds, sizes = [], []
            for _ in range(2):
                begin = time.perf_counter()
                publish(connection, settings, as_of=NOW, now=NOW)
                seconds.append(time.perf_counter() - begin)
                sizes.append(sum(path.stat().st_size for path in settings.published_dir.rglob("*.parquet")))
    return f"{seconds[1] / seconds[0]:.2f} of the first publish's time, {sizes[1] - sizes[0]} bytes added"
