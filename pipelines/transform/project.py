"""Where the dbt project lies, and the environment that its child needs.

The warehouse is named relative to the child's working folder: a path of its own in each data folder
would make dbt parse the whole project again in each.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pipelines

PROJECT_DIR = Path(pipelines.__file__).resolve().parent.parent / "dbt_project"
WAREHOUSE_NAME = "warehouse.duckdb"
PARENT = "MILLSTREAM_STARTED_BY"
"""Environment variable: the process that a dbt child must not outlive."""

_WRITTEN_BY_DBT = {"target", "logs", "dbt_packages"}


def child_environment(target: Path, logs: Path) -> dict[str, str]:
    """The environment of a dbt child that works in the data folder."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("DBT_")},
        "DBT_PROJECT_DIR": str(PROJECT_DIR),
        "DBT_PROFILES_DIR": str(PROJECT_DIR),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(logs),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "MILLSTREAM_WAREHOUSE": WAREHOUSE_NAME,
        PARENT: str(os.getpid()),
    }


def rules_digest() -> str:
    """A hash over what decides the figures: models, macros and seeds, not their descriptions and tests."""
    digest = hashlib.sha256()
    for folder in ("macros", "models", "seeds"):
        for path in sorted((PROJECT_DIR / folder).rglob("*")):
            if path.suffix in (".sql", ".csv"):
                digest.update(f"{path.relative_to(PROJECT_DIR).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def project_digest() -> str:
    """A hash over every file of the project and its place: equal digests, equal manifests.

    A parse names the seeds by their full path, so a second copy of the project needs one of its own.
    """
    digest = hashlib.sha256(f"{PROJECT_DIR}\0".encode())
    for path in sorted(PROJECT_DIR.rglob("*")):
        inside = path.relative_to(PROJECT_DIR)
        if path.is_file() and not _WRITTEN_BY_DBT & set(inside.parts):
            digest.update(f"{inside.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
