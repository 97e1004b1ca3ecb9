"""Run dbt: the one place that does.

`build` runs the models and their tests in a child process and says what happened; it raises only when
dbt itself could not work, a failing test is an answer (`BuildResult.ok`). The caller holds the
warehouse's lock and has no connection open meanwhile. `prepare_manifest` parses the project, without
a warehouse and without a network, for those that only want to know its graph. Of the MRR ledger a build
makes anew what was touched since the last one (`touched`).
"""

from __future__ import annotations

from pipelines.transform.build import Select, build, figure_environment
from pipelines.transform.manifest import manifest_path, prepare_manifest
from pipelines.transform.project import PROJECT_DIR, rules_digest
from pipelines.transform.result import BuildResult, NodeResult

__all__ = [
    "PROJECT_DIR",
    "BuildResult",
    "NodeResult",
    "Select",
    "build",
    "figure_environment",
    "manifest_path",
    "prepare_manifest",
    "rules_digest",
]
