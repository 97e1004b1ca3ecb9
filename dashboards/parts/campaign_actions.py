"""What may be done with a campaign now: approve, send, pause. The rooms decide; a refusal is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from zoneinfo import available_timezones

import streamlit as st

from dashboards.parts.numbers import count
from dashboards.parts.times import clock
from dashboards.parts.words import sentence, small
from dashboards.queries.campaigns import (
    Campaign,
    approved,
    cancelled,
    is_at_work,
    next_due,
    one_campaign,
    paused,
    scheduled,
    sent_on,
)
from dashboards.view import View
from pipelines.campaigns import RECIPIENT
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


def schedule_controls(campaign: Campaign, view: View) -> None:
    """Let an approved campaign go out later: as its document says, or at a time that is written here."""
    told, do = campaign.schedule, partial(scheduled, view.settings, campaign.name, actor=view.person.name)
    with st.expander("Send later", icon=":material/schedule:", expanded=bool(told)):
        if told:
            small(f"The document says: {_in_words(told)}.", view.colours)
            if st.button("Schedule as the document says", key="schedule", icon=":material/event_available:"):
                _do(partial(do, at=None, timezone=None))
        time, place = st.columns(2)
        at = time.text_input("At", placeholder="2026-11-27T09:00", key="schedule-at", live="400ms").strip()
        zones = dict.fromkeys([view.settings.reporting_timezone, RECIPIENT, *sorted(available_timezones())])
        zone = place.selectbox("Time zone", list(zones), format_func=_zone_in_words, key="schedule-zone")
        if st.button("Schedule for this time", key="schedule-given", disabled=not at):
            _do(partial(do, at=at, timezone=zone))


def _in_words(told: dict[str, str]) -> str:
    when = f"at {told['at']}" if "at" in told else f"again and again (cron {told['cron']})"
    where = f", {_zone_in_words(told['timezone'])}" if "timezone" in told else ""
    return when + where + (f", at most {told['max_lateness']} late" if "max_lateness" in told else "")


def _zone_in_words(zone: str) -> str:
    return "each person's own" if zone == RECIPIENT else zone


def waiting(campaign: Campaign, view: View) -> None:
    """What a scheduled campaign waits for, and the way to end it."""
    moment = next_due(view.settings, campaign.name)
    if moment is not None:
        due = clock(moment, view.settings.reporting_timezone)
        st.info(f"Due at {due}. Whom it goes to is settled then.", icon=":material/schedule:")
    if st.button("Cancel", key="cancel", icon=":material/cancel:"):
        _do(partial(cancelled, view.settings, campaign.name, actor=view.person.name))


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
        st.error(sentence(str(problem)), icon=":material/error:")
        return
    if started is not None:
        st.session_state["sender-of"] = started
    st.rerun(scope="app")
