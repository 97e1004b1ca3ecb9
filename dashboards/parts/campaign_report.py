"""The report of a campaign: certificate, states, reasons, outcomes, and the people behind each number."""

from __future__ import annotations

import streamlit as st

from dashboards.parts.campaign_tables import certificate, ledger_table, reasons_table, told_table
from dashboards.parts.campaign_words import plain
from dashboards.parts.download import csv_download
from dashboards.parts.numbers import count
from dashboards.parts.people import people_table
from dashboards.parts.words import small
from dashboards.queries.campaigns import STATES, Campaign, recipients, told_of
from dashboards.view import View


def campaign_report(campaign: Campaign, view: View) -> None:
    """Draw it; the state whose people are shown stands in the address as `people`."""
    certificate(campaign, view)
    left, right = st.columns([3, 2])
    with left, st.container(border=True, height="stretch"):
        st.subheader("Recipients", anchor=False)
        ledger_table(campaign, view)
    with right, st.container(border=True, height="stretch"):
        st.subheader("Why people got no mail", anchor=False)
        if campaign.reasons:
            reasons_table(campaign, view)
        elif held_out := campaign.counts["holdout"]:
            small(f"Only those held out to compare: {count(held_out)}.", view.colours)
        elif campaign.open:
            small("Nobody was left out so far.", view.colours)
        else:
            small("Everybody in the audience was mailed.", view.colours)
    if view.snapshot and (told := told_of(view.snapshot, name=campaign.name)):
        with st.container(border=True):
            st.subheader("What became of the mails", anchor=False)
            small("As the mailer told until these data. Openings are unreliable: images may be blocked.", view.colours)
            told_table(campaign, told, view)
    with st.container(border=True):
        st.subheader("People", anchor=False)
        states = [state for state in STATES if campaign.counts[state]]
        state = st.selectbox("Who are", states, format_func=plain, key="people", bind="query-params", width=240)
        people_table(view, recipients(view.settings, campaign.name, state)["person_id"].to_list(), key="recipients")
        frame = recipients(view.settings, campaign.name)
        csv_download(
            frame, f"campaign-{campaign.name}.csv", label="Download all recipients (CSV)", key="recipients-csv"
        )
