"""Who is told to end ends, also where a script began everything in the background and SIGINT is ignored."""

from __future__ import annotations

import signal
import subprocess
import sys

_DEAF = """
import signal, subprocess, sys
from pipelines.tied import tied
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(tied([sys.executable, "-c", "print(1, flush=True); import time; time.sleep(30)"]), stdout=-1)
child.stdout.readline()
child.terminate()
print(child.wait(20))
"""
# In a process of its own: handlers are the main thread's, where a browser's loop may be running.
_AFTER_A_RUN = """
import signal
import dagster as dg
from pipelines.cli.run import own_stop_signal

@dg.asset
def anything() -> None: ...

signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
with own_stop_signal():
    done = dg.materialize([anything]).success
    within = signal.getsignal(signal.SIGTERM)
print(done, repr(within)[1:].partition(":")[0], repr(signal.getsignal(signal.SIGTERM))[1:].partition(":")[0])
"""


def test_a_tied_child_of_a_deaf_parent_ends_when_it_is_told():
    told = subprocess.run([sys.executable, "-c", _DEAF], capture_output=True, text=True, check=False)
    assert (told.stdout.strip(), told.stderr) == (str(-signal.SIGTERM), "")


def test_after_a_run_of_dagster_the_stop_signal_does_what_it_did():
    told = subprocess.run([sys.executable, "-c", _AFTER_A_RUN], capture_output=True, text=True, check=False)
    assert told.stdout.strip() == "True Handlers.SIG_IGN Handlers.SIG_DFL", told.stderr
