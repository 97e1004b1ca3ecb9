"""The code location's one front door: it loads what the folders under `defs/` declare."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.resources import SettingsResource, steps


@dg.definitions
def defs() -> dg.Definitions:
    """Every asset, check, job, schedule and sensor, and the settings they run with."""
    found = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(
        found, dg.Definitions(resources={"settings": SettingsResource()}, loggers={"steps": steps})
    )
