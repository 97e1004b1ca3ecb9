"""Item-months of fivetran's Stripe package over its own seeds, and ours over the same: equal but for a closed list.

How the tables become Stripe's objects stands in `fivetran_seeds`.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from pipelines.cli import invoke
from pipelines.settings import Settings
from pipelines.transform import figure_environment
from pipelines.transform.build import ask_dbt
from tests.external.fivetran_seeds import READ_AT, objects

MATERIAL = Path(os.environ["MILLSTREAM_TEST_MATERIAL"]) / "stripe"
NOW = datetime(2025, 9, 1, tzinfo=UTC)
MONTHS = [date(2024, month, 1) for month in (7, 8, 9, 10)]
ITEM = "bea81c1795a612d8fc3a232b156467"

ENDED = "an item ends with its subscription, at ended_at; fivetran's report does not look at the subscription"
UNTIL_NOW = (
    "an item counts while its subscription is active; fivetran's report has no row for this subscription, "
    "whose other item has a plan that the seeds do not tell and a period until the year 9999"
)
DIFFERENCES: dict[tuple[str, date], tuple[int | None, int, str]] = {
    (f"{ITEM}01", MONTHS[0]): (150_000, 0, ENDED),
    (f"{ITEM}02", MONTHS[0]): (300_000, 0, ENDED),
    **{(f"{ITEM}13", month): (None, 178_000, UNTIL_NOW) for month in MONTHS},
}
"""Every item-month that differs: theirs, ours, and the rule that makes the difference."""


class Month(NamedTuple):
    """What an item is worth in a month, minor units of its currency."""

    minor: int
    price: str
    currency: str


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The seeds ingested as files and the ledger built from them."""
    folder = tmp_path_factory.mktemp("seeds")
    handed_in = objects(MATERIAL / "fivetran_seeds")
    lines = folder / "seeds.jsonl"
    lines.write_text("".join(json.dumps(one) + "\n" for one in handed_in))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MILLSTREAM_DATA_DIR", str(folder / "data"))
        assert invoke(["ingest", "stripe", "--from", str(lines), "--as-of", READ_AT.isoformat()]) == 0
        settings = Settings()
    words = ["build", "--select", "+fct_mrr_changes", "--indirect-selection", "cautious"]
    result = ask_dbt(settings, [*words, "--exclude-resource-type", "unit_test"], figure_environment(settings, now=NOW))
    assert result.failed == ()
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        loaded = connection.execute("select count(*) from raw_stripe.object_versions").fetchone()
        assert loaded == (len(handed_in),)
        yield connection


def our_months(ledger: duckdb.DuckDBPyConnection) -> dict[tuple[str, date], Month]:
    """Each item's balance at the end of each month, those of zero left out."""
    rows = ledger.execute(
        """
        select subscription_item_id, month, sum(delta_minor)::bigint as minor, any_value(price_id), any_value(currency)
        from marts.fct_mrr_changes, (select unnest(?) as month)
        where profile = 'stripe' and changed_date < month + interval 1 month
        group by all having minor <> 0
        """,
        [MONTHS],
    ).fetchall()
    return {(item, month): Month(minor, price, currency) for item, month, minor, price, currency in rows}


def their_months() -> dict[tuple[str, date], Month]:
    with (MATERIAL / "fivetran_expected_mrr_items.csv").open(newline="") as file:
        return {
            (row["subscription_item_id"], date.fromisoformat(row["month"])): Month(
                int(float(row["month_contract_mrr"])), row["price_plan_id"], row["currency"].upper()
            )
            for row in csv.DictReader(file)
        }


def test_item_months_are_fivetrans_but_for_those_that_a_rule_explains(ours: duckdb.DuckDBPyConnection) -> None:
    found, expected = our_months(ours), their_months()
    differing = {
        key: (expected[key].minor if key in expected else None, found[key].minor if key in found else 0)
        for key in found.keys() | expected.keys()
        if (found[key].minor if key in found else 0) != (expected[key].minor if key in expected else 0)
    }
    assert differing == {key: (theirs, mine) for key, (theirs, mine, _) in DIFFERENCES.items()}
    equal = {key: month for key, month in expected.items() if key not in DIFFERENCES}
    assert len(equal) == 46
    assert {key: month for key, month in equal.items() if month.minor} == {
        key: month for key, month in found.items() if key not in DIFFERENCES
    }


def test_july_adds_up_to_fivetrans_total_and_the_listed_differences(ours: duckdb.DuckDBPyConnection) -> None:
    july = MONTHS[0]
    found = sum(month.minor for (_, of), month in our_months(ours).items() if of == july)
    listed = sum(mine - (theirs or 0) for (_, of), (theirs, mine, _) in DIFFERENCES.items() if of == july)
    assert found == 1_005_820 + listed
