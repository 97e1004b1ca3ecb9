"""People: found without telling more than one may know, and a story that is whole and in order."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from pipelines.errors import UsageError
from pipelines.people import KINDS, Stay, people, persons_of, profile, search, timeline
from pipelines.settings import Settings
from pipelines.state import open_state, writing
from pipelines.state.tables import segment_memberships, segments
from pipelines.warehouse import Snapshot
from tests.building import newest

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def snapshot(built_folder: Path) -> Snapshot:
    return newest(built_folder)


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return open_state(settings)


@pytest.fixture
def known(snapshot: Snapshot) -> dict[str, str]:
    """Somebody with a name, an address, a Stripe id, payments and events."""
    rows = snapshot.query(
        "select person_id, name, email, stripe_customer_ids[1] as customer_id from marts.dim_customers "
        "where payments_count > 1 and event_count > 0 and name is not null order by person_id limit 1"
    )
    return {name: str(value) for name, value in rows.row(0, named=True).items()}


def test_somebody_is_found_by_name_address_and_every_id(snapshot: Snapshot, known: dict[str, str]) -> None:
    for text in (
        known["name"][:4],
        known["name"].upper(),
        f" {known['email'].upper()} ",
        known["person_id"],
        known["customer_id"],
    ):
        found = search(snapshot, text, size=1000)
        assert known["person_id"] in {row["person_id"] for row in found.rows}, text
        assert found.total == len(found.rows) < search(snapshot).total


def test_a_part_of_an_address_finds_only_for_those_who_may_see_it(snapshot: Snapshot, known: dict[str, str]) -> None:
    part = known["email"].split("@")[0]
    assert part.lower() not in known["name"].lower()
    assert search(snapshot, part).total == 0
    (row,) = [row for row in search(snapshot, part, sees_addresses=True).rows if row["person_id"] == known["person_id"]]
    assert row["email"] == known["email"]


def test_an_address_comes_out_masked(snapshot: Snapshot, engine: Engine, known: dict[str, str]) -> None:
    masked = f"{known['email'][0]}***@{known['email'].split('@')[1]}"
    assert people(snapshot, [known["person_id"], "nobody"])[0]["email"] == masked
    assert profile(snapshot, engine, known["email"], policy="customers").traits["email"] == masked
    told = timeline(snapshot, known["person_id"], size=1000)
    assert known["email"] not in str(told)
    assert known["email"] in str(timeline(snapshot, known["person_id"], size=1000, sees_addresses=True))


@pytest.mark.parametrize("sort", ["mrr", "lifetime", "name", "first_seen", "last_seen"])
def test_pages_hold_everybody_once(snapshot: Snapshot, sort: str) -> None:
    total = search(snapshot).total
    found = [row["person_id"] for page in range(1, 9) for row in search(snapshot, sort=sort, page=page, size=25).rows]
    assert len(found) == len(set(found)) == total


def test_amounts_of_several_currencies_are_ordered_by_their_worth(snapshot: Snapshot) -> None:
    rows = [row for row in search(snapshot, size=1000).rows if row["mrr_currency"] in ("USD", "EUR", "GBP")]
    assert len({row["mrr_currency"] for row in rows}) > 1
    # A euro and a pound are worth more than a dollar and less than two in the whole story.
    least = [row["mrr_minor"] * (1 if row["mrr_currency"] == "USD" else 2) for row in rows]
    most = [row["mrr_minor"] for row in rows]
    assert all(max(most[at:], default=0) <= least[at] for at in range(len(rows)))


def test_a_stripe_id_leads_to_its_person(snapshot: Snapshot, known: dict[str, str]) -> None:
    assert persons_of(snapshot, [known["customer_id"], "cus_nobody"]) == {known["customer_id"]: known["person_id"]}
    assert persons_of(snapshot, []) == {}


def test_a_story_is_whole_in_order_and_paged(snapshot: Snapshot, known: dict[str, str]) -> None:
    stays = [Stay("vip", NOW, None), Stay("new", datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))]
    whole = timeline(snapshot, known["person_id"], stays=stays, size=1000)
    assert whole.total == len(whole.rows) == sum(whole.by_kind.values())
    assert Counter(row["kind"] for row in whole.rows) == Counter({k: n for k, n in whole.by_kind.items() if n})
    moments = [row["at"] for row in whole.rows]
    assert moments == sorted(moments, reverse=True)
    assert whole.by_kind["segment"] == 3
    for kind, table in (("payment", "fct_payments"), ("event", "fct_events")):
        rows = snapshot.query(
            f"select count(*) from marts.{table} where person_id = $person", person=known["person_id"]
        )
        assert whole.by_kind[kind] == rows.item() > 0
    size = whole.total // 3 + 1
    pages = [
        row
        for page in (1, 2, 3)
        for row in timeline(snapshot, known["person_id"], stays=stays, page=page, size=size).rows
    ]
    assert pages == whole.rows


def test_what_a_story_says_of_mrr_is_what_the_ledger_says(snapshot: Snapshot, known: dict[str, str]) -> None:
    told = timeline(snapshot, known["person_id"], kinds=["mrr"], size=1000)
    balance = snapshot.query(
        "select closing_minor from marts.fct_mrr_movements_daily where customer_id = $customer and profile = 'stripe' "
        "order by changed_date desc limit 1",
        customer=known["customer_id"],
    ).item()
    assert sum(row["amount_minor"] for row in told.rows) == balance
    assert all(row["object_id"].startswith("sub_") for row in told.rows)


def test_no_kind_is_nothing_and_an_unknown_one_is_refused(snapshot: Snapshot, known: dict[str, str]) -> None:
    assert timeline(snapshot, known["person_id"], kinds=[]).rows == []
    with pytest.raises(UsageError, match="payment, mrr, event, mail, segment"):
        timeline(snapshot, known["person_id"], kinds=["gossip"])
    assert set(KINDS) == set(timeline(snapshot, known["person_id"]).by_kind)


def test_a_profile_tells_segments_and_whether_mail_may_go_there(
    snapshot: Snapshot, engine: Engine, known: dict[str, str]
) -> None:
    with writing(engine) as connection:
        connection.execute(insert(segments).values(name="vip", **_segment_columns()))
        connection.execute(
            insert(segment_memberships).values(segment="vip", person_id=known["person_id"], entered_at=NOW)
        )
    told = profile(snapshot, engine, known["customer_id"], policy="customers")
    assert told.person_id == known["person_id"]
    assert told.stays == [Stay("vip", NOW, None)]
    assert told.refusal is None
    assert profile(snapshot, engine, known["person_id"], policy="required").refusal == "no_consent"
    with pytest.raises(UsageError, match="nobody"):
        profile(snapshot, engine, "cus_nobody", policy="customers")


def _segment_columns() -> dict[str, object]:
    given = {"created_at": NOW, "updated_at": NOW}
    return {
        column.name: given.get(column.name, "x")
        for column in segments.columns
        if column.name != "name" and not column.nullable and column.default is None
    }
