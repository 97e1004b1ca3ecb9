"""A sender of its own beside a page: the real command as a process that outlives who started it.

A page must not hold a send in its rerun: closing the browser would end it. The process is tied to
nothing, and safe to kill: the ledger says where the next one goes on. Started twice, the second one
waits for the first and finds nothing left.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from pipelines.delivery.lock import only_sender
from pipelines.delivery.sender import ready_to_send
from pipelines.settings import Settings
from pipelines.state import open_state

_COMMAND = "from pipelines.cli import main; main()"


def start(settings: Settings, name: str) -> None:
    """Begin or go on sending a campaign, as `millstream campaign send NAME` would.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: what the command would refuse: a draft, a pause, a mailer that is not usable.
    """
    ready_to_send(settings, name)
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    with (settings.logs_dir / f"send-{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, "campaign", "send", name],
            env={**os.environ, "MILLSTREAM_DATA_DIR": str(settings.data_dir)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # Nobody waits for it, but a process that ended has to be taken off the list.
    threading.Thread(target=process.wait, daemon=True).start()


def at_work(settings: Settings) -> bool:
    """Whether a sender holds the senders' lock right now."""
    with only_sender(settings, open_state(settings), stopped=lambda: True, waiting=lambda _line: None) as free:
        return not free
