"""Operating the product: the build (write, audit, publish), rebuild from the landing zone, prune.

These are the steps that the command line runs in a row and Dagster as assets; the rooms below do
the work.
"""

from pipelines.operations.build import build, check, publish_snapshot, transform_models
from pipelines.operations.ingest import ingest_inbox, prepare_warehouse
from pipelines.operations.rebuild import rebuild
from pipelines.operations.received import left_over, take_received

__all__ = [
    "build",
    "check",
    "ingest_inbox",
    "left_over",
    "prepare_warehouse",
    "publish_snapshot",
    "rebuild",
    "take_received",
    "transform_models",
]
