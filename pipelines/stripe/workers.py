"""Who asks Stripe: threads, or the caller itself where only one request may fly at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def workers(count: int) -> Executor:
    """An executor that runs so many calls at the same time."""
    return Inline() if count == 1 else ThreadPoolExecutor(count, thread_name_prefix="stripe")


class Inline(Executor):
    """Runs each call when it is handed over."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it now; what it raised rises when the result is asked for, an interruption at once."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as problem:
            future.set_exception(problem)
        return future
