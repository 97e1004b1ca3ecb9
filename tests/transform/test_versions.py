"""The same business told in any version of Stripe's API gives the same staging rows and the same marts."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.transform.same_business import ACCOUNTS, PLACES
from tests.transform.sample_warehouse import Built
from tests.transform.stripe_versions import PINNED, VERSIONS

MARTS = (
    "dim_prices",
    "dim_products",
    "fct_invoices",
    "fct_mrr_changes",
    "fct_mrr_daily",
    "fct_mrr_movements_daily",
    "fct_payments",
)
NOT_COMPARED = {
    "account",
    # Made of the account.
    "change_id",
    # Of payload and version themselves, or numbered while loading.
    "api_version", "payload_hash", "version_number",
}  # fmt: skip
IN_ITS_OWN_SHAPE = {"json"}
"""Types of columns that carry a part of the payload on, to models that read every version of it."""
TOLD_ELSEWHERE = {
    # A charge named its invoice and an invoice its payment; since basil an invoice payment names both.
    "stg_stripe__charges": {"invoice_id"},
    "stg_stripe__invoices": {"charge_id", "payment_intent_id"},
    "stg_stripe__payment_intents": {"invoice_id"},
    # A line showed its price whole; since basil only its id. And every proration came from an invoice item.
    "stg_stripe__invoice_lines": {"interval_count", "is_of_subscription", "period_interval", "usage_type"},
    # A subscription showed its discount whole; since basil an event tells its id, and since clover its coupon's.
    "stg_stripe__subscription_discounts": {
        "amount_off_minor", "coupon_currency", "coupon_duration", "coupon_id", "customer_id", "discount_ended_at",
        "discount_started_at", "percent_off", "promotion_code_id",
    },
    "stg_stripe__told_discounts": {"coupon_duration"},
}  # fmt: skip
"""Columns that one version fills from this object and another from a second one: models read both."""
NOT_IN_EVERY_VERSION = {"stg_stripe__customer_discounts", "stg_stripe__invoice_payments", "stg_stripe__payout_members"}
"""Kinds of objects that came with basil, and with them their events; what no object tells but our own question; and
discounts of customers, of which the business has none."""


Rows = dict[str, list[tuple[Any, ...]]]


def rows_by_version(built: Built, table: str) -> Rows:
    """All rows of each telling, without what stands for its account and its people."""
    described = built.rows(f"describe {table}")
    left_out = NOT_COMPARED | TOLD_ELSEWHERE.get(table.partition(".")[2], set())
    columns = [f'"{row[0]}"' for row in described if row[0] not in left_out and row[1].lower() not in IN_ITS_OWN_SHAPE]
    found: Rows = {version: [] for version in VERSIONS}
    versions = {account: version for version, account in ACCOUNTS.items()}
    for account, *row in built.rows(
        f"select account, {', '.join(columns)} from {table} where account in ({', '.join('?' * len(versions))})",
        *versions,
    ):
        version = versions[str(account)]
        found[version].append(tuple(_unplaced(value, version) for value in row))
    return {version: sorted(rows, key=repr) for version, rows in found.items()}


def _unplaced(value: Any, version: str) -> Any:
    if not isinstance(value, str):
        return value
    return _ADDRESS_KEYS.get(value, value.replace(f"{PLACES[version]}.", ""))


_ADDRESS_KEYS: dict[str, str] = {}


@pytest.fixture(autouse=True, scope="module")
def _address_keys(built: Built) -> None:
    """A guest's key is made of the address: here it is the address again."""
    for (email,) in built.rows("select distinct email from staging.stg_stripe__charges where email is not null"):
        for place in PLACES.values():
            if f"@{place}." in email:
                key = "email_" + hashlib.sha256(email.encode()).hexdigest()
                _ADDRESS_KEYS[key] = email.replace(f"{place}.", "")


@pytest.mark.parametrize("mart", MARTS)
def test_every_version_gives_the_same_mart(built: Built, mart: str) -> None:
    found = rows_by_version(built, f"marts.{mart}")
    assert found[PINNED]
    for version in VERSIONS:
        assert found[version] == found[PINNED], version


@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_every_version_gives_the_same_people(built: Built, version: str) -> None:
    def people(of: str) -> list[tuple[Any, ...]]:
        place = PLACES[of]
        rows = built.rows(
            "select * replace (list_sort(stripe_customer_ids) as stripe_customer_ids) from marts.dim_customers "
            "where contains(email, ?) order by email",
            f"@{place}.",
        )
        return [tuple(_unplaced(value, of) for value in row) for row in rows]

    assert people(version) == people(PINNED)
    assert len(people(PINNED)) > 20


def test_every_version_gives_the_same_staging_rows(built: Built) -> None:
    tables = [
        str(name)
        for (name,) in built.rows(
            "select table_name from information_schema.tables where table_schema = 'staging' "
            "and starts_with(table_name, 'stg_stripe__') order by table_name"
        )
        if name not in NOT_IN_EVERY_VERSION
    ]
    different = []
    for table in tables:
        found = rows_by_version(built, f"staging.{table}")
        if table == "stg_stripe__events":
            found = {version: [row for row in rows if "invoice_payment" not in row] for version, rows in found.items()}
        assert found[PINNED], table
        different += [(table, version) for version in VERSIONS if found[version] != found[PINNED]]
    assert different == []
    assert len(tables) > 20
