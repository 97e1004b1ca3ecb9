"""One cache rule for all questions: an answer is kept under the snapshot it came from.

A new snapshot is a new key, so nothing has to be thrown away by hand and no answer mixes two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import streamlit as st

from pipelines.warehouse import Snapshot

P = ParamSpec("P")
R = TypeVar("R")


def _identity(snapshot: Snapshot) -> tuple[int, str]:
    # The number alone would be the same in two data folders.
    return snapshot.number, snapshot.published_at.isoformat()


def per_snapshot(question: Callable[P, R]) -> Callable[P, R]:
    """Cache a question whose first argument is the snapshot; the other arguments are part of the key."""
    cached = st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Snapshot: _identity})(question)
    return cast(Callable[P, R], cached)
