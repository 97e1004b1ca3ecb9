"""A campaign written on the page: the same document that `millstream campaign save` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboards.parts.words import sentence, small
from dashboards.queries.campaigns import Campaign, copied, discarded, keep, written
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
    """Ask for name, segment, subject, preheader, body and holdout; save them as a draft."""
    with st.form("new-campaign", border=False):
        left, right = st.columns(2)
        name = left.text_input("Name of the campaign", placeholder="for example spring-news")
        segment = right.selectbox("To the segment", segments)
        document = _mail_of({"subject": "{{ first_name | default('Hello') }}, here is what is new", "html": BODY})
        if not st.form_submit_button("Save as a draft", type="primary"):
            return
    _keep({"name": name.strip(), "segment": segment, **document}, view)


def edit_form(campaign: Campaign, segments: Sequence[str], view: View) -> None:
    """The same for a campaign that has not begun to send; saving it takes an approval back."""
    document = written(view.settings, campaign.name)
    with st.form(f"edit-{campaign.name}", border=False):
        known = list(dict.fromkeys([str(document["segment"]), *segments]))
        segment = st.selectbox("To the segment", known)
        changes = _mail_of(document)
        if campaign.state == "approved":
            small("Saving a change takes the approval back.", view.colours)
        if not st.form_submit_button("Save the changes"):
            return
    kept = {key: value for key, value in document.items() if key not in (*changes, "text", "preheader")}
    _keep({**kept, "segment": segment, **changes}, view)


def copy_and_delete(campaign: Campaign, view: View) -> None:
    """Keep it under another name, too; take it away where nobody was planned for it."""
    with st.form(f"copy-{campaign.name}", border=False):
        new = st.text_input("Name of the copy", placeholder=f"{campaign.name}-2")
        if st.form_submit_button("Copy", icon=":material/content_copy:"):
            _do(lambda: copied(view.settings, campaign.name, new.strip(), actor=view.person.name), new.strip())
    if campaign.audience or campaign.state not in ("draft", "approved", "cancelled"):
        small("What was sent is kept: its ledger is the proof of who got what.", view.colours)
        return
    sure = st.checkbox("Take this campaign away for good", key=f"sure-{campaign.name}")
    if st.button("Delete", disabled=not sure, icon=":material/delete:", key=f"delete-{campaign.name}"):
        _do(lambda: discarded(view.settings, campaign.name, actor=view.person.name), None)


def _mail_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a mail, filled with what is there; a part without words is left out."""
    found: dict[str, Any] = {}
    if "html" in document:
        found["subject"] = st.text_input("Subject", document.get("subject", ""))
        found["preheader"] = st.text_input(
            "Preheader", document.get("preheader") or "", help="The inbox shows it beside the subject."
        )
        found["html"] = st.text_area("Mail (MJML or HTML)", document["html"], height=300)
        found["text"] = st.text_area(
            "Plain text", document.get("text") or "", height=100, help="Left empty it is made from the mail."
        )
    found["holdout"] = st.number_input("Held out, in percent", 0, 90, _percent(document), width=220) / 100
    return {name: value for name, value in found.items() if value != ""}


def _percent(document: Mapping[str, Any]) -> int:
    return round(100 * float(document.get("holdout") or 0))


def _keep(document: Mapping[str, Any], view: View) -> None:
    def kept() -> None:
        keep(view.settings, document, actor=view.person.name)

    _do(kept, str(document["name"]))


def _do(action: Callable[[], None], then: str | None) -> None:
    """Do it and open the campaign `then`; a refusal is shown."""
    try:
        action()
    except MillstreamError as problem:
        st.error(sentence(str(problem)), icon=":material/error:")
        return
    if then is not None:
        st.session_state[NEXT] = then
    st.rerun()
