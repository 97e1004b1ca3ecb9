"""What was judged before: the same rows under the same expectations have the same outcome.

Great Expectations costs seconds to import alone, and most runs find most tables unchanged. A suite's
outcome is kept with a fingerprint of everything it follows from: the rows themselves, the suite, and
the versions of both engines. Derived like the rest of the warehouse; without it everything is judged anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version

from pipelines.quality.result import CheckResult, FailingRow
from pipelines.quality.suites import Suite
from pipelines.warehouse.writer import Connection

_PREPARE = """
create schema if not exists health;
create table if not exists health.judged (suite varchar primary key, fingerprint varchar, results varchar)
"""


class Memory:
    """The outcomes kept in one warehouse."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection.execute(_PREPARE)

    def fingerprint(self, suite: Suite) -> str:
        """A text that changes when the suite's outcome may."""
        counted = self._connection.execute(
            f"select count(*), sum(hash(frame)) from ({suite.query}) as frame"
        ).fetchone()
        engines = version("duckdb"), version("great_expectations")
        return hashlib.sha256(repr((suite, engines, counted)).encode()).hexdigest()

    def recall(self, suite: Suite, fingerprint: str) -> list[CheckResult] | None:
        """The outcome of the same rows, or None."""
        row = self._connection.execute(
            "select results from health.judged where suite = $suite and fingerprint = $fingerprint",
            {"suite": _name(suite), "fingerprint": fingerprint},
        ).fetchone()
        return None if row is None else [_result(one) for one in json.loads(row[0])]

    def keep(self, suite: Suite, fingerprint: str, results: Sequence[CheckResult]) -> None:
        """Replace what is known of a suite."""
        told = json.dumps([{**vars(one), "examples": [vars(row) for row in one.examples]} for one in results])
        self._connection.execute(
            "insert or replace into health.judged values ($suite, $fingerprint, $results)",
            {"suite": _name(suite), "fingerprint": fingerprint, "results": told},
        )


def _name(suite: Suite) -> str:
    return f"{suite.table}:{hashlib.sha256(suite.query.encode()).hexdigest()[:12]}"


def _result(told: dict[str, object]) -> CheckResult:
    examples = told.pop("examples")
    assert isinstance(examples, list)
    return CheckResult(**told, examples=tuple(FailingRow(**row) for row in examples))  # type: ignore[arg-type]
