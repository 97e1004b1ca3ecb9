"""Before a campaign goes out: who would get it and why not, what is wrong with it, the mail of a real person."""

from __future__ import annotations

import streamlit as st

from dashboards.parts.campaign_checklist import checklist
from dashboards.parts.campaign_trial import try_out
from dashboards.parts.campaign_words import plain
from dashboards.parts.links import leads_to
from dashboards.parts.mail_preview import mail_preview
from dashboards.parts.numbers import count
from dashboards.parts.people import person_link
from dashboards.parts.table import Row, table
from dashboards.parts.words import sentence, small
from dashboards.queries.campaigns import Campaign, looked_at
from dashboards.view import View
from pipelines.errors import MillstreamError
from pipelines.warehouse import Snapshot


def audience_and_mail(campaign: Campaign, snapshot: Snapshot, view: View) -> int | None:
    """Draw both; how many would be mailed, None where the campaign can not be looked at."""
    try:
        found = looked_at(view.settings, snapshot, campaign.name)
    except MillstreamError as problem:
        st.error(sentence(str(problem)), icon=":material/error:")
        return None
    left, right = st.columns([2, 3])
    with left, st.container(border=True):
        st.subheader("Audience", anchor=False)
        rows: list[Row] = [
            ("Would be mailed", count(found["planned"])),
            ("Held out, to compare", count(found["holdout"])),
            *((f"No mail: {plain(reason)}", count(number)) for reason, number in found["excluded"].items()),
            ("Audience", count(found["audience"])),
        ]
        table(("Who", "People"), rows, numbers=("People",), has_total=True, caption="Audience", colours=view.colours)
        small("Fixed when it is sent; consent is asked again before each mail.", view.colours)
        if found["without_needed_traits"]:
            st.warning(f"{count(found['without_needed_traits'])} lack a trait that the mail needs and get none.")
    with left, st.container(border=True):
        st.subheader("Checklist", anchor=False)
        checklist(found["findings"], view)
    with right, st.container(border=True):
        st.subheader("The mail", anchor=False)
        sample = {one["person_id"]: str(one["to"]) for one in found["sample"]}
        _mail(campaign, snapshot, view, sample, found["mails"])
    return int(found["planned"])


def _mail(campaign: Campaign, snapshot: Snapshot, view: View, sample: dict[str, str], mails: list[str]) -> None:
    if not sample:
        small("Nobody would get a mail, so there is none to look at.", view.colours)
        return
    person = st.selectbox(
        "As read by",
        list(sample),
        format_func=lambda person_id: f"{sample[person_id]} ({person_id})",
        key=f"as-{campaign.name}",
        width=360,
    )
    chosen = None
    if mails:
        what = "Step" if campaign.has_steps else "Variant"
        chosen = st.segmented_control(what, mails, key=f"mail-of-{campaign.name}")
    variant, step = (None, chosen) if campaign.has_steps else (chosen, None)
    mail = looked_at(view.settings, snapshot, campaign.name, person, variant, step)["mail"]
    leads_to(person_link(person).address, "This person's page", view.colours)
    mail_preview(mail, view)
    try_out(campaign, snapshot, view, person, variant)
