"""The list of campaigns and the report of one."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

import streamlit as st

from dashboards.parts.campaign_words import MEANING, campaign_link, plain, state_badge
from dashboards.parts.money import money
from dashboards.parts.numbers import NONE, count, percent
from dashboards.parts.people import person_link
from dashboards.parts.segment_tables import segment_link
from dashboards.parts.table import Row, table
from dashboards.parts.times import stamp
from dashboards.queries.campaigns import REACHED, STATES, Campaign
from dashboards.view import View

_COUNTED = ("Audience", "Accepted", "Ambiguous", "Excluded", "Open")


def campaign_list(campaigns: list[Campaign], view: View) -> None:
    """One row per campaign, the one that changed last on top."""
    headers = ("Campaign", "State", "Segment", *_COUNTED, "Changed")
    rows = (_row(one, view) for one in campaigns)
    table(
        headers,
        rows,
        numbers=(*_COUNTED, "Changed"),
        whole=("Campaign", "Segment"),
        dense=True,
        caption="Campaigns",
        colours=view.colours,
    )


def _row(one: Campaign, view: View) -> Row:
    counted = (one.audience, one.accepted, one.counts["ambiguous"], one.excluded, one.open)
    return (
        campaign_link(one.name),
        state_badge(one.state),
        segment_link(one.segment),
        *map(count, counted),
        stamp(one.updated_at, view.zone),
    )


def certificate(campaign: Campaign, view: View) -> None:
    """The sentence that must add up, and what would break it."""
    colours = view.colours
    good = not campaign.duplicates and not campaign.missing
    tint = colours.good if good else colours.bad
    proof = "✓ it adds up" if good else "! somebody was mailed twice or is missing"
    st.html(
        f'<div style="border:1px solid {colours.border};border-left:4px solid {tint};border-radius:8px;'
        f'padding:10px 14px;color:{colours.text}"><div style="font-size:16px;font-weight:600;'
        f'font-variant-numeric:tabular-nums">{escape(campaign.certificate)}</div>'
        f'<div style="font-size:13px;color:{colours.muted}">{escape(proof)}</div></div>'
    )


def ledger_table(campaign: Campaign, view: View) -> None:
    """People per ledger state; states without anybody are left out."""
    rows: list[Row] = [
        (
            plain(state),
            campaign_link(campaign.name, count(number), people=state),
            percent(number / campaign.audience),
            MEANING.get(state, ""),
        )
        for state in STATES
        if (number := campaign.counts[state])
    ]
    headers = ("Ledger state", "People", "Share", "Meaning")
    table(
        headers,
        rows,
        numbers=("People", "Share"),
        whole=("Ledger state",),
        caption="Recipients by state",
        colours=view.colours,
    )


def told_table(campaign: Campaign, told: dict[str, int], found: dict[str, Any] | None, view: View) -> None:
    """From the mail to the money: what the mailer took and told, who reached the goal, what they paid.

    Each number leads to its people. What went wrong stands below.
    """
    base = campaign.accepted + campaign.counts["ambiguous"]
    way = ("delivered", "opened", "clicked")
    rows: list[Row] = [("sent", campaign_link(campaign.name, count(base), people="accepted"), NONE)]
    rows += [_told_row(campaign, outcome, told[outcome], base) for outcome in way if outcome in told]
    if found is not None and found["conversion"] is not None:
        rate, earned = found["conversion"]["treated"], found["revenue"]
        reached = campaign_link(campaign.name, count(rate["converted"]), people=REACHED["treated"])
        rows.append(("reached the goal", reached, percent(rate["rate"])))
        rows.append(("paid, net", money(earned["treated"]["net_minor"], earned["currency"]), NONE))
    rows += [_told_row(campaign, outcome, people, base) for outcome, people in told.items() if outcome not in way]
    table(("Outcome", "People", "Share"), rows, numbers=("People", "Share"), caption="Outcomes", colours=view.colours)


def _told_row(campaign: Campaign, outcome: str, people: int, base: int) -> Row:
    words = f"{plain(outcome)} (unreliable)" if outcome == "opened" else plain(outcome)
    return words, campaign_link(campaign.name, count(people), people=outcome), percent(people / base) if base else NONE


def doubt_table(campaign: Campaign, view: View) -> None:
    """The mails that nobody knows of: whose, when they were handed over, and why."""
    rows: list[Row] = [
        (
            person_link(one["person_id"]),
            stamp(one["in_flight_at"], view.zone) if one["in_flight_at"] else NONE,
            plain(one["reason"] or NONE),
        )
        for one in campaign.in_doubt
    ]
    headers = ("Person", "Handed over", "Why nobody knows")
    table(headers, rows, whole=("Handed over",), caption="Mails in doubt", colours=view.colours)


def why_not(campaign: Campaign) -> Counter[str]:
    """How many got no mail for each reason; why a mail is in doubt is none of them."""
    return Counter(campaign.reasons) - Counter(one["reason"] for one in campaign.in_doubt if one["reason"])


def reasons_table(campaign: Campaign, view: View) -> None:
    """Why people got no mail."""
    rows: list[Row] = [
        (plain(reason), count(number))
        for reason, number in sorted(why_not(campaign).items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    table(("Reason", "People"), rows, numbers=("People",), caption="Reasons", colours=view.colours)
