"""Addresses of our own pages with the view that they shall open with."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

import streamlit as st

from dashboards.charts.palette import Palette


def here_with(page: str, **values: str) -> str:
    """This page's address with these values set and everything else that stands in it kept."""
    kept = [(name, value) for name in st.query_params for value in st.query_params.get_all(name) if name not in values]
    return f"{page}?{urlencode([*kept, *values.items()])}"


def page_with(page: str, **values: str) -> str:
    """Another page's address with these values."""
    return f"{page}?{urlencode(values)}" if values else page


def leads_to(address: str, words: str, colours: Palette) -> None:
    """A line with a link to another page of ours."""
    style = f"font-size:13.5px;color:{colours.accent}"
    st.html(f'<a href="{escape(address)}" target="_self" style="{style}">{escape(words)}</a>')
