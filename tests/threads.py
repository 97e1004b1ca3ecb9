"""Run what needs an event loop of its own while Playwright keeps one running in the main thread of the same worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


def on_own_thread(work: Callable[..., Answer], *arguments: object) -> Answer:
    """What `work(*arguments)` answers, or raises, on a new thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work, *arguments).result()
