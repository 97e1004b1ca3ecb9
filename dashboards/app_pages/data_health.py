"""Data health: can the figures be trusted, and if not, why."""

import streamlit as st

from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title, section
from dashboards.parts.health_tables import (
    balance_table,
    build_table,
    check_frame,
    failing_frame,
    load_frame,
    plan_table,
    source_table,
    unexplained_frame,
    unknown_frame,
)
from dashboards.parts.strip import health_strip
from dashboards.parts.words import literal, sentence, small
from dashboards.queries.health import (
    balance,
    checks,
    failing_rows,
    loads,
    plan_violations,
    rates,
    recent_builds,
    sources,
    unexplained,
    unknown_values,
)
from dashboards.view import current_view

view = current_view()
page_title(view, "Data health")
builds = recent_builds(view.settings)
snapshot = view.snapshot
if builds and builds[0].outcome == "failed":
    stays = f"The figures are those of snapshot {snapshot.number}." if snapshot else "Nothing is published yet."
    st.error(
        f"The last build failed. {stays} Mend what is named here, then run `millstream run`.  \n"
        + sentence(builds[0].reason or ""),
        icon=":material/error:",
    )
health_strip(view, is_own_page=True)

with section("Builds"):
    if builds:
        build_table(builds, view)
    elif snapshot is None:
        nothing_here("The pipeline never ran here.", command="millstream run")
    else:
        nothing_here(f"Snapshot {snapshot.number} is published, but no build is noted in the state store.")
if snapshot is None:
    st.stop()

with section("Sources"):
    if (found := sources(snapshot)).height:
        source_table(found, view)
    else:
        nothing_here("No source was loaded before this snapshot.", command="millstream ingest stripe")

for source in rates(snapshot).iter_rows(named=True):
    if source["problem"]:
        came = f"{source['fetched_at']:%Y-%m-%d}" if source["fetched_at"] else "never"
        st.warning(literal(f"{source['problem']} They came last: {came}."), icon=":material/currency_exchange:")

with section("Checks"):
    if (results := checks(snapshot)).height:
        failing = results.height - results["is_passed"].sum()
        told = f"{failing} of {results.height} failing." if failing else f"All {results.height} passed."
        small(told, view.colours)
        check_frame(results)
        if (rows := failing_rows(snapshot)).height:
            small("Up to five rows of each check that failed; personal data is masked.", view.colours)
            failing_frame(rows)
    else:
        nothing_here("No check has run for this snapshot.", command="millstream build")

if (money := balance(snapshot)).height:
    with section("Stripe's balance"):
        small(
            "Every movement by its charge, refund, dispute or payout, every payout by its movements. "
            "Nothing may stay unexplained.",
            view.colours,
        )
        balance_table(money, view)
        if (rest := unexplained(snapshot)).height:
            unexplained_frame(rest)

if (values := unknown_values(snapshot)).height:
    with section("New at Stripe"):
        small(
            "Kinds, states and fields that this version does not know yet. They are kept as they came; "
            "figures that depend on them may lack them until an update knows them.",
            view.colours,
        )
        unknown_frame(values)

if (broken := plan_violations(snapshot)).height:
    with section("Tracking plan"):
        small("Events that the plan does not fit. They are loaded and counted like any other.", view.colours)
        plan_table(broken, view)

with section("Loads"):
    if (newest := loads(snapshot)).height:
        small("Read = loaded + duplicates + unchanged + quarantined; bad lines: quarantine/.", view.colours)
        load_frame(newest, view)
    else:
        nothing_here("Nothing was loaded before this snapshot.", command="millstream ingest events FILE")
