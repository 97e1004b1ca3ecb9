"""The campaign that changed last, in three lines."""

from __future__ import annotations

import streamlit as st

from dashboards.parts.campaign_words import campaign_link, state_badge
from dashboards.parts.empty import nothing_here
from dashboards.parts.numbers import count
from dashboards.parts.table import table
from dashboards.parts.times import stamp
from dashboards.parts.words import small
from dashboards.queries.campaigns import newest_campaign
from dashboards.view import View


def last_campaign(view: View) -> None:
    """State and counts of the newest campaign; how to make one where there is none."""
    st.subheader("Last campaign", anchor=False)
    campaign = newest_campaign(view.settings)
    if campaign is None:
        nothing_here("No campaign is saved yet.", command="millstream campaign save campaign.yml")
        return
    table(
        ("Campaign", "State", "Accepted", "Audience"),
        [
            (
                campaign_link(campaign.name),
                state_badge(campaign.state),
                count(campaign.accepted),
                count(campaign.audience),
            )
        ],
        numbers=("Accepted", "Audience"),
        whole=("Campaign",),
        caption="The campaign that changed last",
        colours=view.colours,
    )
    small(f"Segment {campaign.segment} · changed {stamp(campaign.updated_at, view.zone)}", view.colours)
