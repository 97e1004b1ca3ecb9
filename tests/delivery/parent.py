"""The warm parent of senders that are killed: it imports what a sender needs, sends once itself, and forks the others.

Lines of JSON on its input: `{"settings": ..., "rehearse": ...}` names a campaign that it sends itself, so that forks
find every module loaded and every statement of this store made; `{"settings": ..., "name": ..., "fault": ...}` is
answered with a fork's process id and, when that ends, with its exit code. The parent of all other tests (tests/warm.py)
carries Dagster, and each fork of it would copy that one's tables of memory.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
import traceback

import httpx  # noqa: F401 (a sender over TLS asks it for the certificates)

import pipelines.mail.sendgrid  # noqa: F401
from pipelines.delivery import send
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.tied import die_with_parent


def main() -> None:
    """Fork on request until the input ends."""
    Settings.model_config["env_file"] = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "rehearse" in asked:
            _rehearse(asked["settings"], asked["rehearse"])
            continue
        child = os.fork()
        if child == 0:
            _send(asked["settings"], asked["name"], asked["fault"])
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _rehearse(settings: dict[str, str], name: str) -> None:
    os.environ.update(settings)
    here = Settings()
    send(here, name)
    # A fork would share what is open here.
    open_state(here).dispose()
    while threading.active_count() > 1:
        time.sleep(0.001)
    gc.collect()
    gc.freeze()


def _send(settings: dict[str, str], name: str, fault: str) -> None:
    die_with_parent()
    os.environ.update(settings, MILLSTREAM_FAULT=fault)
    try:
        send(Settings(), name)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
