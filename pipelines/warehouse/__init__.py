"""The warehouse: one DuckDB file with one writer, the event lake, and the snapshots that readers open.

Everything here is derived from the landing zone and the state store and may be deleted at any
time. `Warehouse` writes (one process at a time, the lock names its holder), `publish` turns marts
into a numbered snapshot of immutable files, `SnapshotReader` answers from the newest one. Nobody
else opens the warehouse file: a second handle in the writer's process would drop its lock.
"""

from pipelines.warehouse.engine import connect
from pipelines.warehouse.prune import prune
from pipelines.warehouse.publish import publish
from pipelines.warehouse.snapshot import Snapshot, SnapshotReader
from pipelines.warehouse.state_copy import copy_state
from pipelines.warehouse.writer import Warehouse, transaction

__all__ = ["Snapshot", "SnapshotReader", "Warehouse", "connect", "copy_state", "prune", "publish", "transaction"]
