"""What sqlfluff sees in place of dbt's adapter: a dispatched macro is written as a call of its own name."""

from __future__ import annotations

from collections.abc import Callable


def dispatch(name: str, package: str) -> Callable[..., str]:
    """A macro that writes `name(first argument)`; the others may be paths, which would read as columns."""
    return lambda *arguments: f"{name}({', '.join(str(argument) for argument in arguments[:1])})"
