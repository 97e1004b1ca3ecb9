"""Retention: who comes back, cohort by cohort."""

import json

import streamlit as st

from dashboards.parts.download import csv_download
from dashboards.parts.empty import nothing_here
from dashboards.parts.events_page import events_page
from dashboards.parts.retention_controls import edited_question
from dashboards.parts.retention_table import MARK, finding, retention_frame, retention_table
from dashboards.parts.words import small
from dashboards.queries.retentions import answer

view, snapshot, known = events_page("Retention")

document = edited_question(known, view.last_day(snapshot), view.zone)
found = answer(snapshot, document)
if not any(row[0] for row in found.matrix):
    nothing_here("Nobody began in these periods. Choose another event, longer periods or more of them.")
    st.stop()
whole, average = found.whole(snapshot.as_of), found.average(snapshot.as_of)
with st.container(border=True):
    unit = st.segmented_control(
        "Show", ("%", "people"), default="%", required=True, key="show", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    small(finding(found, average), view.colours)
    retention_table(found, whole=whole, average=average, shares=unit == "%", colours=view.colours)
    if not all(whole):
        small(
            f"{MARK} Hatched: the {document['period']} is not over, more may come back. Not in the average.",
            view.colours,
        )
    span = f"{found.cohort_starts[0]}_{document['date_to']}"
    csv_download(retention_frame(found, whole), f"retention_{span}.csv", key="retention_csv")
small(f"The average weighs cohorts by their size. Weeks begin on Monday, days in {view.zone}.", view.colours)
with st.expander("Ask the same on the command line"):
    st.code(json.dumps(document, indent=2, ensure_ascii=False), language="json", wrap_lines=True)
    st.code("millstream retention --query question.json --json", language="bash")
