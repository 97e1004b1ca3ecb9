"""Customers: find somebody, and read what happened to them."""

import streamlit as st

from dashboards.parts.empty import nothing_here
from dashboards.parts.frame import page_title, section
from dashboards.parts.links import leads_to
from dashboards.parts.people_list import people_list
from dashboards.parts.person_head import person_facts, person_head
from dashboards.parts.person_story import person_story
from dashboards.parts.words import literal, small
from dashboards.queries.customers import one_person
from dashboards.queries.setup import rows
from dashboards.view import current_view
from pipelines.errors import UsageError

view = current_view()
snapshot = view.snapshot
asked = st.query_params.get("person")
if snapshot is None or not rows(snapshot, "marts.dim_customers"):
    page_title(view, "Customers")
    nothing_here("No customers are published yet.", command="millstream ingest stripe && millstream run")
    st.stop()
if not asked:
    page_title(view, "Customers")
    people_list(view, snapshot)
    st.stop()

try:
    person = one_person(view.settings, snapshot, asked, sees_addresses=view.person.sees_addresses)
except UsageError:
    page_title(view, "Customers")
    nothing_here("Nobody of that id is in these data. The link may be older than they are.")
    leads_to("customers", "All customers", view.colours)
    st.stop()
page_title(view, literal(person.traits["name"] or person.person_id))
told = " · ".join(part for part in (person.traits["email"], person.person_id, person.traits["country"]) if part)
small(told, view.colours)
leads_to("customers", "All customers", view.colours)
person_head(person, view)
person_facts(person, view)
with section("What happened"):
    person_story(person, view, snapshot)
