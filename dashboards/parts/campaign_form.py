"""A campaign written on the page: the same document that `millstream campaign save` takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboards.parts.words import literal
from dashboards.queries.campaigns import keep
from dashboards.view import View
from pipelines.errors import MillstreamError

NEXT = "campaign-next"
BODY = """<mjml>
  <mj-head><mj-attributes><mj-all font-family="Helvetica, Arial, sans-serif" /></mj-attributes></mj-head>
  <mj-body>
    <mj-section><mj-column>
      <mj-text font-size="20px">Hello {{ first_name | default('there') }}</mj-text>
      <mj-text>Say here what is new.</mj-text>
    </mj-column></mj-section>
    <mj-section><mj-column>
      <mj-text font-size="12px">
        {{ postal_address }}<br /><a href="{{ unsubscribe_url }}">Unsubscribe</a>
      </mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""


def campaign_form(segments: Sequence[str], view: View) -> None:
    """Ask for name, segment, subject, body and holdout; save them as a draft."""
    with st.form("new-campaign", border=False):
        left, right = st.columns(2)
        name = left.text_input("Name of the campaign", placeholder="for example spring-news")
        segment = right.selectbox("To the segment", segments)
        subject = st.text_input("Subject", "{{ first_name | default('Hello') }}, here is what is new")
        html = st.text_area("Mail (MJML or HTML)", BODY, height=300)
        holdout = st.number_input("Held out, in percent", 0, 90, 0, width=220)
        if not st.form_submit_button("Save as a draft", type="primary"):
            return
        document: dict[str, Any] = {"name": name.strip(), "segment": segment, "subject": subject, "html": html}
        try:
            saved = keep(view.settings, document | {"holdout": holdout / 100}, actor=view.person.name)
        except MillstreamError as problem:
            st.error(literal(str(problem)), icon=":material/error:")
            return
    st.session_state[NEXT] = saved
    st.rerun()
