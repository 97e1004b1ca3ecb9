"""Bad lines: kept whole with file, line and reason, and counted; they never stop a load."""

from __future__ import annotations

import orjson

from pipelines.files import write_whole
from pipelines.landing import Segment
from pipelines.settings import Settings
from pipelines.warehouse.writer import Connection


def write_quarantine(connection: Connection, settings: Settings, segment: Segment) -> None:
    """Write the temp table `quarantined` as `quarantine/events/<input>.jsonl`.

    The name comes from the input, so a load that is repeated after a crash writes the same file.
    """
    rows = connection.execute("select line, problem, text from quarantined order by line").fetchall()
    if not rows:
        return
    folder = settings.quarantine_dir / "events"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        orjson.dumps({"file": segment.input_name, "line": line, "reason": reason, "text": text})
        for line, reason, text in rows
    ]
    write_whole(folder / f"{segment.input_id[:32]}.jsonl", b"\n".join(lines) + b"\n")
