"""The frame around every page: navigation, demo banner, footer, errors in words, and the follower."""

from __future__ import annotations

import logging
import uuid

import streamlit as st

from dashboards.parts.follow import follow
from dashboards.parts.frame import demo_banner, footer, page_style
from dashboards.parts.words import sentence
from dashboards.view import open_view
from pipelines.errors import MillstreamError

log = logging.getLogger("dashboards")

st.set_page_config(page_title="Millstream", page_icon="🌾", layout="wide")
# Without sections: their headings stand inside the list of links, which screen readers then lose.
page = st.navigation(
    [
        st.Page("app_pages/overview.py", title="Overview", icon=":material/dashboard:", default=True),
        st.Page("app_pages/revenue.py", title="Revenue", icon=":material/payments:"),
        st.Page("app_pages/subscriptions.py", title="Subscriptions", icon=":material/autorenew:"),
        st.Page("app_pages/funnel.py", title="Funnel", icon=":material/filter_alt:"),
        st.Page("app_pages/trends.py", title="Trends", icon=":material/show_chart:"),
        st.Page("app_pages/paths.py", title="Paths", icon=":material/route:"),
        st.Page("app_pages/retention.py", title="Retention", icon=":material/grid_on:"),
        st.Page("app_pages/segments.py", title="Segments", icon=":material/group_work:"),
        st.Page("app_pages/campaigns.py", title="Campaigns", icon=":material/mail:"),
        st.Page("app_pages/customers.py", title="Customers", icon=":material/group:"),
        st.Page("app_pages/data_health.py", title="Data health", icon=":material/monitor_heart:"),
    ]
)
# A page may stop early; what stands below it is written first.
body = st.container()
try:
    view = open_view()
    footer(view)
    follow()
    with body:
        page_style(view)
        demo_banner(view)
        page.run()
except MillstreamError as problem:
    body.error(sentence(str(problem)), icon=":material/error:")
except Exception:
    reference = uuid.uuid4().hex[:8]
    log.exception("page %s failed, reference %s", page.title, reference)
    body.error(
        "This page could not be drawn because of a mistake in Millstream. Nothing was changed. "
        f"Reload the page; if it stays, look up {reference} in the dashboards' log.",
        icon=":material/error:",
    )
