"""A heading with the range and the comparison beside it; both live in the address."""

from __future__ import annotations

import streamlit as st

from dashboards.queries.trend import RANGES, Range


def range_row(title: str) -> tuple[Range, bool]:
    """The chosen range, and whether to compare with the period before."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(title, anchor=False)
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            compare = st.toggle("Compare", value=True, key="cmp", bind="query-params")
            chosen = st.segmented_control(
                "Range",
                RANGES,
                default="30d",
                required=True,
                key="range",
                bind="query-params",
                label_visibility="collapsed",
            )
    return chosen, compare
