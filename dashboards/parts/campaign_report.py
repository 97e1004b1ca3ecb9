"""The report of a campaign: certificate, states, reasons, outcomes, and the people behind each number."""

from __future__ import annotations

import streamlit as st

from dashboards.parts.campaign_earned import earned
from dashboards.parts.campaign_tables import certificate, doubt_table, ledger_table, reasons_table, told_table, why_not
from dashboards.parts.campaign_words import plain
from dashboards.parts.download import csv_download
from dashboards.parts.numbers import count
from dashboards.parts.people import people_table
from dashboards.parts.words import small
from dashboards.queries.campaigns import REACHED, STATES, Campaign, earned_by, people_behind, recipients, told_of
from dashboards.view import View


def campaign_report(campaign: Campaign, view: View) -> None:
    """Draw it; the state whose people are shown stands in the address as `people`."""
    certificate(campaign, view)
    if campaign.in_doubt:
        with st.container(border=True):
            st.subheader("Mails in doubt", anchor=False)
            doubt_table(campaign, view)
    left, right = st.columns([3, 2])
    with left, st.container(border=True, height="stretch"):
        st.subheader("Recipients", anchor=False)
        ledger_table(campaign, view)
    with right, st.container(border=True, height="stretch"):
        st.subheader("Why people got no mail", anchor=False)
        if why_not(campaign):
            reasons_table(campaign, view)
        elif held_out := campaign.counts["holdout"]:
            small(f"Only those held out to compare: {count(held_out)}.", view.colours)
        elif campaign.open:
            small("Nobody was left out so far.", view.colours)
        else:
            small("Everybody in the audience was mailed.", view.colours)
    told = told_of(view.snapshot, name=campaign.name) if view.snapshot else {}
    found = earned_by(view.settings, view.snapshot, campaign.name) if view.snapshot else None
    is_measured = found is not None and found["conversion"] is not None
    if told:
        with st.container(border=True):
            st.subheader("What became of the mails", anchor=False)
            small("As the mailer told until these data. Openings are unreliable: images may be blocked.", view.colours)
            told_table(campaign, told, found, view)
    if found is not None and is_measured:
        earned(campaign.name, found, view)
    with st.container(border=True):
        st.subheader("People", anchor=False)
        groups = [state for state in STATES if campaign.counts[state]] + list(told)
        groups += list(REACHED.values()) if is_measured else []
        who = st.selectbox("Who are", groups, format_func=plain, key="people", bind="query-params", width=240)
        people_table(view, people_behind(view.settings, view.snapshot, campaign.name, who), key="recipients")
        frame = recipients(view.settings, campaign.name)
        csv_download(
            frame, f"campaign-{campaign.name}.csv", label="Download all recipients (CSV)", key="recipients-csv"
        )
