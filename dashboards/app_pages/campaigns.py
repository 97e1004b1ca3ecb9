"""Campaigns: what was sent to whom, and the proof that it adds up."""

import streamlit as st

from dashboards.parts.campaign_tables import campaign_list, certificate, ledger_table, reasons_table, told_table
from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title
from dashboards.parts.words import literal, small
from dashboards.queries.campaigns import all_campaigns, told_of, with_proof
from dashboards.view import current_view

view = current_view()
page_title(view, "Campaigns")
campaigns = all_campaigns(view.settings)
if not campaigns:
    nothing_here(
        "No campaign is saved yet. A campaign is a document: a segment, a subject and a body.",
        command="millstream campaign save campaign.yml",
    )
    st.stop()

with st.container(border=True):
    campaign_list(campaigns, view)

names = [campaign.name for campaign in campaigns]
name = st.selectbox("Report of", names, key="campaign", bind="query-params", width=420)
campaign = with_proof(view.settings, next(one for one in campaigns if one.name == name))
st.subheader(campaign.name, anchor=False)
held_out = f" · holdout {campaign.holdout:.0%}" if campaign.holdout else ""
small(f"{campaign.subject} · segment {campaign.segment}{held_out}", view.colours)
if campaign.reason:
    st.warning(f"This campaign is {campaign.state}: {literal(campaign.reason)}")
if not campaign.audience:
    step = "approve" if campaign.state == "draft" else "send"
    nothing_here(
        f"The campaign is {campaign.state}; its audience is fixed when it is sent.",
        command=f"millstream campaign {step} {campaign.name}",
    )
    st.stop()

certificate(campaign, view)
left, right = st.columns([3, 2])
with left, st.container(border=True, height="stretch"):
    st.subheader("Recipients", anchor=False)
    ledger_table(campaign, view)
with right, st.container(border=True, height="stretch"):
    st.subheader("Why people got no mail", anchor=False)
    if campaign.reasons:
        reasons_table(campaign, view)
    else:
        small("Everybody in the audience was mailed.", view.colours)

if view.snapshot and (told := told_of(view.snapshot, name=campaign.name)):
    with st.container(border=True):
        st.subheader("What became of the mails", anchor=False)
        small("As the mailer told until these data. Openings are unreliable: images may be blocked.", view.colours)
        told_table(campaign, told, view)
