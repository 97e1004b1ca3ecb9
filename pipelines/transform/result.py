"""What a dbt build did, node by node, as its process answered (`answering`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_GOOD = {"success", "pass", "warn", "no-op"}


@dataclass(frozen=True)
class NodeResult:
    """One model, seed or test. `failures` counts the rows that a test found; `seconds` is its run time."""

    unique_id: str
    kind: str
    status: str
    failures: int | None
    message: str | None
    seconds: float
    table: str
    """`schema.name` of the model, or of the model that a test belongs to (else the test's own name)."""
    sql: str | None = None
    """What a test asked: its failing rows."""

    @property
    def name(self) -> str:
        """The short name: of a model, or of a test as its file or yml spells it."""
        return self.unique_id.split(".")[2]

    @property
    def ok(self) -> bool:
        """It ran and found nothing wrong; a node that was skipped did not."""
        return self.status in _GOOD


@dataclass(frozen=True)
class BuildResult:
    """A whole build. `ok` is False when anything failed; `failed` names it, less what was skipped for it."""

    nodes: tuple[NodeResult, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Every model was built and every test passed."""
        return all(node.ok for node in self.nodes)

    @property
    def models(self) -> int:
        """Models that were built."""
        return sum(node.kind == "model" and node.ok for node in self.nodes)

    @property
    def tests(self) -> int:
        """Tests that were run."""
        return sum(node.kind in {"test", "unit_test"} and node.status != "skipped" for node in self.nodes)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the models and tests that failed."""
        return tuple(node.name for node in self.nodes if not node.ok and node.status != "skipped")


def read_answer(path: Path, manifest: Path) -> BuildResult:
    """The answer of the build that wrote this file, over the project that this manifest tells of."""
    document = json.loads(path.read_text())
    tables = _tables(manifest)
    nodes = tuple(
        NodeResult(
            unique_id=str(row["unique_id"]),
            kind=str(row["unique_id"]).split(".", 1)[0],
            status=str(row["status"]),
            failures=row["failures"],
            message=row["message"],
            seconds=float(row["execution_time"]),
            table=tables.get(str(row["unique_id"]), str(row["unique_id"]).split(".")[2]),
            sql=row.get("compiled_code"),
        )
        for row in document["results"]
    )
    return BuildResult(nodes=nodes, seconds=float(document["elapsed_time"]))


def _tables(manifest: Path) -> dict[str, str]:
    """Which table each node is, or looks at."""
    nodes = json.loads(manifest.read_text())["nodes"]
    owner = {key: node.get("attached_node") or _first_model(node) or key for key, node in nodes.items()}
    return {key: f"{nodes[of]['schema']}.{nodes[of]['name']}" for key, of in owner.items() if of in nodes}


def _first_model(node: dict[str, Any]) -> str | None:
    if node["resource_type"] != "test":
        return None
    return next((of for of in node["depends_on"]["nodes"] if of.startswith("model.")), None)
