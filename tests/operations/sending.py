"""A run of the campaign job in a process of its own, to be killed: it waits for its sender."""

from __future__ import annotations

import sys

from pipelines.operations.campaigns import send_in_child
from pipelines.settings import load_settings


def run_of(name: str) -> None:
    """What the asset does."""
    send_in_child(load_settings(), name, said=lambda line: print(line, file=sys.stderr, flush=True))
