"""A test mail from the page: the mail as the chosen person reads it, to an address of one's own."""

from __future__ import annotations

import streamlit as st

from dashboards.parts.words import literal, sentence, small
from dashboards.queries.campaigns import Campaign, tested
from dashboards.view import View
from pipelines.errors import MillstreamError
from pipelines.warehouse import Snapshot


def try_out(campaign: Campaign, snapshot: Snapshot, view: View, person: str, variant: str | None) -> None:
    """Ask for up to five addresses and mail them; it is marked [TEST] and counts nowhere."""
    with st.form(f"test-{campaign.name}", border=False):
        to = st.text_input("Send a test to", placeholder="you@your-company.com, somebody@your-company.com")
        small("Up to five addresses. Marked [TEST], with this reader's words; it counts nowhere.", view.colours)
        if not st.form_submit_button("Send a test", icon=":material/outgoing_mail:"):
            return
    addresses = [one for one in to.replace(",", " ").split() if one]
    try:
        told = tested(
            view.settings, snapshot, campaign.name, addresses, person=person, variant=variant, actor=view.person.name
        )
    except MillstreamError as problem:
        st.error(sentence(str(problem)), icon=":material/error:")
        return
    for one in told:
        st.info(literal(f"{one['to']}: {one['outcome']}{' (' + one['reason'] + ')' if one['reason'] else ''}"))
