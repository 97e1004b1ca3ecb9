"""What a campaign does by itself: when it is due, what holds it back, how far its journeys are, who approves it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards.parts.campaign_words import plain
from dashboards.parts.numbers import count
from dashboards.parts.table import table
from dashboards.parts.times import clock
from dashboards.parts.words import sentence, small
from dashboards.queries.automation import automation_of
from dashboards.queries.campaigns import Campaign, sent_on
from dashboards.view import View
from pipelines.errors import MillstreamError

_OVER = ("sent", "cancelled", "failed")
_REASONS = {
    "exit": "fits the exit condition",
    "not_in_snapshot": "is no longer known",
    "under_way": "entered while under way",
    "cancelled": "the campaign was cancelled",
}


def campaign_automation(campaign: Campaign, view: View) -> bool:
    """Draw it, nothing where it does nothing by itself; returns whether it follows its segment."""
    told = automation_of(view.settings, campaign.name)
    if told["goes_by_itself"] and campaign.state not in _OVER:
        if told["journeys"] is not None:
            small(_when(told, campaign, view), view.colours)
        for hold in told["held_back"]:
            st.warning(sentence(f"Held back: {hold['what']} {hold['mend']}"), icon=":material/front_hand:")
        if not told["held_back"]:
            small("No gate holds it back: fresh, checked, reconciled, with consents.", view.colours)
    if campaign.state == "draft":
        small(_rule(told), view.colours)
    if told["journeys"] is not None and told["journeys"]["since"] is not None:
        _journeys(told["journeys"], view)
    return told["journeys"] is not None


def follow_button(campaign: Campaign, view: View) -> None:
    """Let an approved campaign follow its segment; nobody who is inside now is mailed."""
    label = f"Follow {campaign.segment} from now on"
    if st.button(label, type="primary", key="follow", icon=":material/conversion_path:"):
        try:
            sent_on(view.settings, campaign.name, actor=view.person.name)
        except MillstreamError as problem:
            st.error(sentence(str(problem)), icon=":material/error:")
            return
        st.session_state["sender-of"] = campaign.name
        st.rerun(scope="app")


def _when(told: dict[str, Any], campaign: Campaign, view: View) -> str:
    due = told["next_due_at"]
    if due is not None:
        return f"The next step is due at {clock(due, view.zone)}."
    if told["journeys"]["since"] is None:
        return f"Follows the segment {campaign.segment} from the moment at which it begins."
    return f"Follows the segment {campaign.segment} since {clock(told['journeys']['since'], view.zone)}."


def _rule(told: dict[str, Any]) -> str:
    saved = told["saved_by"] or "whoever saved it"
    if told["approval_above"] == 0:
        return f"Somebody else than {saved} has to approve it."
    return f"To more than {count(told['approval_above'])} people, somebody else than {saved} has to approve it."


def _journeys(told: dict[str, Any], view: View) -> None:
    with st.container(border=True):
        st.subheader("Journeys", anchor=False)
        rows = [
            (f"wait for {plain(step)}" if step else "wait", count(people))
            for step, people in told["waiting_for"].items()
        ]
        rows.append(("finished", count(told["finished"])))
        rows += [
            (f"left: {_REASONS.get(reason, plain(reason))}", count(people))
            for reason, people in told["reasons"].items()
        ]
        table(("People", "Count"), rows, numbers=("Count",), caption="Journeys", colours=view.colours)
