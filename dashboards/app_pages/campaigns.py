"""Campaigns: write one, look at its mail, approve, send; what became of it, and the proof that it adds up."""

import streamlit as st

from dashboards.parts.campaign_actions import (
    approve_button,
    go_on_button,
    progress,
    schedule_controls,
    send_button,
    started,
    waiting,
)
from dashboards.parts.campaign_automation import campaign_automation, follow_button
from dashboards.parts.campaign_form import NEXT, campaign_form, copy_and_delete, edit_form
from dashboards.parts.campaign_preview import audience_and_mail
from dashboards.parts.campaign_report import campaign_report
from dashboards.parts.campaign_tables import campaign_list
from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title
from dashboards.parts.words import literal, small
from dashboards.queries.campaigns import all_campaigns, with_proof
from dashboards.queries.segments import all_segments
from dashboards.view import current_view

view = current_view()
page_title(view, "Campaigns")
campaigns = all_campaigns(view.settings)
segments = [row["name"] for row in all_segments(view.settings)]
if campaigns:
    with st.container(border=True):
        campaign_list(campaigns, view)
if segments:
    # Another key for each number of campaigns: saving one closes the form.
    with st.expander("New campaign", icon=":material/add:", expanded=not campaigns, key=f"new-{len(campaigns)}"):
        campaign_form(segments, view)
if not campaigns:
    nothing_here(
        "No campaign is saved yet. A campaign mails a segment; a segment comes first.",
        command="millstream campaign save campaign.yml",
    )
    st.stop()

if (target := st.session_state.pop(NEXT, None)) is not None:
    st.session_state["campaign"] = target
names = [campaign.name for campaign in campaigns]
name = st.selectbox("Open", names, key="campaign", bind="query-params", width=420)
campaign = with_proof(view.settings, next(one for one in campaigns if one.name == name))
st.subheader(campaign.name, anchor=False)
held_out = f" · holdout {campaign.holdout:.0%}" if campaign.holdout else ""
small(f"{campaign.subject} · segment {campaign.segment}{held_out}", view.colours)
if campaign.reason:
    st.warning(f"This campaign is {campaign.state}: {literal(campaign.reason)}")
follows = campaign_automation(campaign, view)

if campaign.state == "sending" or (campaign.state == "approved" and started(campaign.name)):
    progress(campaign, view)
elif campaign.state == "scheduled":
    waiting(campaign, view)
elif campaign.state == "paused":
    go_on_button(campaign, view)
elif campaign.state in ("draft", "approved"):
    with st.expander("Change it", icon=":material/edit:"):
        edit_form(campaign, segments, view)
    if view.snapshot is None:
        step = "approve" if campaign.state == "draft" else "send"
        nothing_here(
            f"The campaign is {campaign.state}; its audience can be seen once people are published.",
            command=f"millstream campaign {step} {campaign.name}",
        )
        st.stop()
    planned = audience_and_mail(campaign, view.snapshot, view)
    if planned is not None and campaign.state == "draft":
        approve_button(campaign, view)
    elif planned is not None and follows:
        follow_button(campaign, view)
    elif planned is not None:
        send_button(campaign, planned, view)
        schedule_controls(campaign, view)
if campaign.audience:
    campaign_report(campaign, view)
with st.expander("Copy or delete", icon=":material/content_copy:"):
    copy_and_delete(campaign, view)
