"""What rules and mails may name is what the mart has, and nothing is written down twice."""

from __future__ import annotations

from pathlib import Path

from pipelines.segments import known_traits, money, snapshot_fields
from tests.building import newest


def test_every_column_of_the_mart_is_a_field_with_its_meaning(built_folder: Path) -> None:
    snapshot = newest(built_folder)
    fields = snapshot_fields(snapshot)
    assert set(fields) == {*snapshot.manifest.tables["marts.dim_customers"].columns, *money()}
    assert set(fields) == set(known_traits())
    assert all(field.meaning for field in fields.values())


def test_an_amount_is_offered_in_major_units_with_its_currency() -> None:
    assert money()["mrr"] == ("mrr_minor", "mrr_currency")
    assert money()["lifetime_value"] == ("lifetime_value_minor", "currency")
    assert known_traits()["mrr"] == "Monthly recurring revenue now, in major units of mrr_currency."


def test_what_the_guide_promises_is_there() -> None:
    promised = {"email", "first_name", "country", "subscription_status", "mrr", "plan", "stripe_customer_ids"}
    assert promised <= set(known_traits())
