"""A process tied to the life of its parent: when that ends, however it ends, this one is told to end too.

Linux can promise that. Elsewhere a parent that is killed leaves its children; whoever must not write
twice has a lock besides.

`python -m pipelines.tied PARENT COMMAND...` ties itself to the process PARENT and becomes the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None, *, by: signal.Signals = signal.SIGKILL) -> None:
    """Have this process receive `by` when its parent ends; at once where `parent` is given and no longer it."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)
    # It may have died before the promise was made: another process is our parent then.
    if parent is not None and parent != os.getppid():
        os.kill(os.getpid(), by)


def tied(command: list[str]) -> list[str]:
    """The same command as a child that ends (SIGTERM) with the process that asks here.

    Start it from the main thread: the kernel watches the thread that started it.
    """
    return [sys.executable, "-m", "pipelines.tied", str(os.getpid()), *command]


def main() -> None:
    """Tie, then become the command; what was promised outlives that."""
    parent, *command = sys.argv[1:]
    # An ignored signal stays ignored in the next program, and Dagster leaves this one so in a process whose SIGINT is
    # (one that a script began in the background): what is tied would outlive its parent (decision 0114).
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent(int(parent), by=signal.SIGTERM)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
