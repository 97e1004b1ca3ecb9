"""The processes that a gateway has started to answer questions."""

from __future__ import annotations

import os
from pathlib import Path


def children_of_the_api(gateway: int | None = None) -> list[int]:
    """Their ids, those that are over left out; of this process, or of another."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if int(parent) == (gateway or os.getpid()) and state != "Z" and b"pipelines.gateway.api.child" in command:
            found.append(int(folder.name))
    return found
