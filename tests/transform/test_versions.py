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
BEFORE_BASIL_WITHOUT = {"stg_stripe__invoice_payments"}
"""What a version has no objects of; the marts tell the same all the same."""


def rows_of(built: Built, table: str, version: str) -> list[tuple[Any, ...]]:
    """All rows of one telling, without what stands for its account and its people."""
    described = built.rows(f"describe {table}")
    columns = [
        f'"{row[0]}"' for row in described if row[0] not in NOT_COMPARED and row[1].lower() not in IN_ITS_OWN_SHAPE
    ]
    rows = built.rows(f"select {', '.join(columns)} from {table} where account = ?", ACCOUNTS[version])
    return sorted((tuple(_unplaced(value, version) for value in row) for row in rows), key=repr)


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


@pytest.mark.parametrize("version", VERSIONS[:-1])
@pytest.mark.parametrize("mart", MARTS)
def test_every_version_gives_the_same_mart(built: Built, mart: str, version: str) -> None:
    expected = rows_of(built, f"marts.{mart}", PINNED)
    assert rows_of(built, f"marts.{mart}", version) == expected
    assert expected


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


@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_every_version_gives_the_same_staging_rows(built: Built, version: str) -> None:
    tables = [
        str(name)
        for (name,) in built.rows(
            "select table_name from information_schema.tables where table_schema = 'staging' "
            "and starts_with(table_name, 'stg_stripe__') order by table_name"
        )
    ]
    different = {
        table
        for table in tables
        if rows_of(built, f"staging.{table}", version) != rows_of(built, f"staging.{table}", PINNED)
    }
    assert different == {}
    assert len(tables) > 20
