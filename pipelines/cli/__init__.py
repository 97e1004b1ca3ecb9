"""The command line: one module per command group; each parses, calls a room and prints.

Rooms are imported inside the commands, so that `millstream version` does not pay for Dagster.
`main` is the one place where an error becomes a sentence on stderr and an exit code.
"""

from __future__ import annotations

import errno
import sys

import typer

from pipelines.cli import app as _app
from pipelines.errors import MillstreamError


def main() -> None:
    """Entry of the console script: run and leave with the exit code of the contract."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    sys.exit(invoke([argument for argument in arguments if argument != "--debug"], debug=debug))


def invoke(arguments: list[str], *, debug: bool = False) -> int:
    """Run one command: 0 done, 1 it failed, 2 the call is wrong. With `debug`, errors rise whole."""
    try:
        typer.main.get_command(_app.app).main(args=arguments, prog_name="millstream")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except MillstreamError as problem:
        if debug:
            raise
        print(f"millstream: {problem}", file=sys.stderr)
        return problem.exit_code
    except Exception as problem:
        if debug:
            raise
        print(f"millstream: {_in_a_sentence(problem)}", file=sys.stderr)
        return 1
    return 0


def _in_a_sentence(problem: Exception) -> str:
    # The text of an unforeseen exception may quote data, so only its kind is shown.
    if (isinstance(problem, OSError) and problem.errno == errno.ENOSPC) or "No space left" in str(problem):
        return (
            "the disk is full. What was acknowledged before stays; the unfinished work was dropped. "
            "Free space (`millstream prune`) and run again."
        )
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.strerror}: {problem.filename or 'a file'}. The unfinished work was dropped; run again."
    return (
        f"unexpected {type(problem).__name__}. The unfinished work was dropped; "
        "run again with --debug for the whole trace."
    )
