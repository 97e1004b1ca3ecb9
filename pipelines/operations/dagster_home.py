"""Dagster's home in the data folder: made once, with the settings that our runs rely on. No Dagster in here."""

from __future__ import annotations

import hashlib
import os

from pipelines.files import write_whole
from pipelines.settings import Settings

# One writer: the pool lets a queued run wait, and so does the turn of its job; a campaign that takes its time
# has a turn of its own. The monitor fails a run whose process died, because the default launcher would leave it
# "started" for ever and block the queue.
_CONFIGURATION = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - key: millstream/turn
        value: pipeline
        limit: 1
      - key: millstream/turn
        value: campaigns
        limit: 1
event_log_storage:
  module: pipelines.event_log
  class: OneEngineEventLog
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  max_runtime_seconds: 21600
  free_slots_after_run_end_seconds: 60
"""


_OURS = ("5905a6b79f415a97413e2fd78dd635d10cf2775507d567da3f2964b745f8e8da",)
"""Digests of the files that earlier versions wrote: one that nobody changed since is brought up to date."""


def open_home(settings: Settings) -> None:
    """Make Dagster's home where it is missing and point this process (and its children) to it."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    configuration = settings.dagster_home / "dagster.yaml"
    if not configuration.exists() or hashlib.sha256(configuration.read_bytes()).hexdigest() in _OURS:
        write_whole(configuration, _CONFIGURATION.encode())
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
