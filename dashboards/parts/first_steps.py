"""The checklist of a folder without a snapshot."""

from __future__ import annotations

import streamlit as st

from dashboards.parts.empty import checklist
from dashboards.parts.words import small
from dashboards.queries.setup import progress
from dashboards.view import View


def first_steps(view: View) -> None:
    """Three steps to the first figures, each with its command; ticks follow what was done."""
    done = progress(view.settings, view.snapshot)
    st.markdown("Nothing is published yet. Three steps lead to the first figures:")
    checklist(
        [
            (
                done.has_payments,
                "Connect Stripe",
                "Put a restricted, read-only key into .env as STRIPE_API_KEY, then load the payments.",
                "millstream ingest stripe",
            ),
            (
                done.has_events,
                "Load events",
                "JSON lines, CSV or Parquet: who did what, and when.",
                "millstream ingest events path/to/events.jsonl",
            ),
            (
                done.is_published,
                "Run the pipeline",
                "Builds and checks the models, publishes a snapshot. This page then fills by itself.",
                "millstream run",
            ),
        ],
        view.colours,
    )
    small(
        "Only want to look around? “millstream demo” makes a business of its own, in its own folder.",
        view.colours,
    )
