"""The dbt process of a build: dbt by its programmatic interface, with an answer of what we read and nothing else.

dbt's own manifest.json and run_results.json cost a build a seventh of its time, the first is written twice, and the
graph that the first tells is known already (`manifest`).
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from pipelines.files import write_whole
from pipelines.transform.child import tie

ANSWER = "MILLSTREAM_DBT_ANSWER"
"""Environment variable: the file that is written with the answer, whole or not at all."""

_NEW = 50_000
"""New objects between two looks for cycles: a graph of thousands of nodes stays, and looking through it takes time."""


def main() -> None:
    """Run dbt with the arguments as they are; ends with 0, 1 where something failed, 2 where dbt could not work."""
    tie()
    # Late: dbt takes seconds to import, and a parent may have died meanwhile.
    from dbt.cli.main import dbtRunner  # type: ignore[import-not-found, unused-ignore]

    gc.freeze()
    gc.set_threshold(_NEW, 10, 10)
    done = dbtRunner().invoke(["--no-write-json", *sys.argv[1:]])
    if done.exception is not None:
        sys.stdout.write(f"{done.exception}\n")
        sys.exit(2)
    write_whole(Path(os.environ[ANSWER]), json.dumps(_answer(done.result)).encode())
    sys.exit(0 if done.success else 1)


def _answer(result: Any) -> dict[str, Any]:
    return {
        "elapsed_time": result.elapsed_time,
        "results": [
            {
                "unique_id": one.node.unique_id,
                "status": one.status.value,
                "failures": one.failures,
                "message": one.message,
                "execution_time": one.execution_time,
                "compiled_code": getattr(one.node, "compiled_code", None),
            }
            for one in result.results
        ],
    }


if __name__ == "__main__":
    main()
