"""Put a picture on the page: title, chart, alternative text."""

from __future__ import annotations

import streamlit as st

from dashboards.charts.option import Option


def charted(option: Option, *, key: str, height: int = 320) -> None:
    """Draw an option at full width."""
    st.echarts_chart(option.spec, height=height, key=key, alt=option.alt)
