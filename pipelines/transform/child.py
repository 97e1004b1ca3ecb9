"""The dbt process itself (`millstream-dbt`): dbt's own command line, tied to the life of its parent.

A killed run must leave no dbt behind that goes on writing to the warehouse. Linux can promise that;
elsewhere the warehouse's lock is what keeps a second writer out.
"""

from __future__ import annotations

import os

from pipelines.tied import die_with_parent
from pipelines.transform.project import PARENT


def tie() -> None:
    """Tie this process to the life of the parent that its environment names."""
    parent = os.environ.get(PARENT)
    die_with_parent(int(parent) if parent else None)


def main() -> None:
    """Tie this process to its parent, then hand over to dbt with the arguments as they are."""
    tie()
    # Late: dbt takes seconds to import, and a parent may have died meanwhile.
    from dbt.cli.main import cli  # type: ignore[import-not-found, unused-ignore]

    cli(prog_name="millstream-dbt")


if __name__ == "__main__":
    main()
