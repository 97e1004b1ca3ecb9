"""The dbt process itself (`millstream-dbt`): dbt's own command line, tied to the life of its parent.

A killed run must leave no dbt behind that goes on writing to the warehouse. Linux can promise that;
elsewhere the warehouse's lock is what keeps a second writer out.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from pipelines.transform.project import PARENT

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then hand over to dbt with the arguments as they are."""
    _die_with_parent()
    # Late: dbt takes seconds to import, and a parent may have died meanwhile.
    from dbt.cli.main import cli  # type: ignore[import-not-found, unused-ignore]

    cli(prog_name="millstream-dbt")


def _die_with_parent() -> None:
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have died before the promise was made: another process is our parent then.
    if os.environ.get(PARENT, str(os.getppid())) != str(os.getppid()):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
