"""What may be done with a campaign now: approve, send, pause. The rooms decide; a refusal is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboards.parts.numbers import count
from dashboards.parts.words import literal, small
from dashboards.queries.campaigns import Campaign, approved, is_at_work, one_campaign, paused, sent_on
from dashboards.view import View
from pipelines.errors import MillstreamError

CONFIRMED_ABOVE = 1000
"""From more people than this on, the count has to be typed before anything is sent."""
EVERY = 1.0


def approve_button(campaign: Campaign, view: View) -> None:
    """Freeze the content of a draft."""
    if st.button("Approve", type="primary", key="approve", icon=":material/verified:"):
        _do(partial(approved, view.settings, campaign.name, actor=view.person.name))


def send_button(campaign: Campaign, people: int, view: View) -> None:
    """Send an approved campaign; the count is typed first where many would be mailed."""
    sure = people <= CONFIRMED_ABOVE
    if not sure:
        typed = st.text_input(
            f"Type {people} to confirm that {count(people)} people are mailed", key="confirm", live="400ms"
        )
        sure = typed.replace(",", "").strip() == str(people)
    if st.button(f"Send to {count(people)} people", type="primary", key="send", disabled=not sure):
        _do(partial(sent_on, view.settings, campaign.name, actor=view.person.name), started=campaign.name)


def started(name: str) -> bool:
    """Whether this session started a sender that has not been seen at work yet."""
    return st.session_state.get("sender-of") == name


@st.fragment(run_every=EVERY)
def progress(campaign: Campaign, view: View) -> None:
    """Look every second how far the sender is; draw the whole page again when it ended."""
    now = one_campaign(view.settings, campaign.name)
    working = is_at_work(view.settings)
    if working and now.state == "sending":
        st.session_state.pop("sender-of", None)
    if now.state not in ("approved", "sending"):
        st.session_state.pop("sender-of", None)
        st.rerun(scope="app")
    done = now.audience - now.open
    share = done / now.audience if now.audience else 0.0
    st.progress(share, text=f"{count(done)} of {count(now.audience)} have an end state, {count(now.open)} wait")
    if working or started(campaign.name):
        small("A sender is at work in a process of its own; this page may be closed.", view.colours)
        if now.state == "sending" and st.button("Pause", key="pause", icon=":material/pause:"):
            _do(partial(paused, view.settings, campaign.name, actor=view.person.name))
    else:
        st.warning("No sender is at work. Going on mails nobody twice.", icon=":material/warning:")
        go_on_button(campaign, view)


def go_on_button(campaign: Campaign, view: View) -> None:
    """Send on where the ledger stands."""
    if st.button("Send on", type="primary", key="send-on", icon=":material/play_arrow:"):
        _do(partial(sent_on, view.settings, campaign.name, actor=view.person.name), started=campaign.name)


def _do(action: Callable[[], None], *, started: str | None = None) -> None:
    try:
        action()
    except MillstreamError as problem:
        st.error(literal(str(problem)), icon=":material/error:")
        return
    if started is not None:
        st.session_state["sender-of"] = started
    st.rerun(scope="app")
