"""A warm process that is forked once for each place where a journal may be killed.

`python -m tests.landing.killed FOLDER FAULT...` writes, for each fault, a landing zone and what was acknowledged.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from pipelines.landing import Journal, Label, Landing

NOW = datetime(2026, 11, 24, tzinfo=UTC)
STRIPE = Label(source="stripe", name="webhook", options={"account": "default", "source": "webhook"}).encoded()


def append_and_seal(folder: Path, fault: str) -> None:
    """Append three records one after the other, write down each that was acknowledged, and seal them."""
    os.environ["MILLSTREAM_FAULT"] = fault
    folder.mkdir()
    journal = Journal(folder / "landing")
    with (folder / "acknowledged").open("ab", buffering=0) as acknowledged:
        for number in range(3):
            line = b"%d\n" % number
            journal.append(STRIPE, line, now=NOW).result(timeout=10)
            acknowledged.write(line)
    Landing(folder / "landing").seal_received()


def main(folder: Path, faults: list[str]) -> None:
    for fault in faults:
        if not (child := os.fork()):
            try:
                append_and_seal(folder / fault, fault)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        (folder / fault / "code").write_text(str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
