"""Small print that keeps sums honest."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def not_added(currencies: Sequence[str], why: str) -> None:
    """Name the currencies that are not in a sum; nothing where all are."""
    if currencies:
        st.caption(f"Not in these sums: {', '.join(currencies)} ({why}).")
