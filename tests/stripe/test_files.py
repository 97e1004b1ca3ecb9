"""Dumps and exports: any order, any wrapping, each object in its newest version."""

from __future__ import annotations

import itertools
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import UsageError
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.stripe import ingest_files
from pipelines.warehouse import Warehouse

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def load(settings: Settings, *paths: Path, as_of: datetime | None = NOW) -> LoadSummary:
    return ingest_files(settings, [str(path) for path in paths], as_of=as_of, now=NOW)


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with Warehouse(settings).write("test") as connection:
        return connection.execute(sql).fetchall()


def charge(number: int, **more: object) -> dict[str, object]:
    return {"id": f"ch_{number}", "object": "charge", "created": 1_700_000_000, "amount": 100, **more}


def event(number: int, thing: dict[str, object], *, at: int, kind: str = "charge.updated") -> dict[str, object]:
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": kind,
        "created": at,
        "api_version": "2020-08-27",
        "data": {"object": thing},
    }


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(charge(n)) for n in range(3)),
        json.dumps([charge(n) for n in range(3)]),
        json.dumps([charge(n) for n in range(3)], indent=2),
        json.dumps(
            {
                "object": "list",
                "has_more": False,
                "url": "/v1/charges",
                "data": [charge(n) for n in range(3)],
            },
            indent=1,
        ),
    ],
    ids=["lines", "array", "array over lines", "list page"],
)
def test_lines_arrays_and_list_pages_are_the_same(settings: Settings, tmp_path: Path, text: str) -> None:
    path = tmp_path / "dump.json"
    path.write_text(text)
    summary = load(settings, path)
    assert (summary.read, summary.loaded, summary.by_object) == (3, 3, {"charge": 3})


def test_the_newest_version_wins_whatever_order_files_come_in(settings: Settings, tmp_path: Path) -> None:
    files = []
    for number, (at, amount) in enumerate([(1_700_000_100, 1), (1_700_000_300, 3), (1_700_000_200, 2)]):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(json.dumps(event(number, charge(1, amount=amount), at=at)))
        files.append(path)
    for number, order in enumerate(itertools.permutations(files)):
        own = Settings(MILLSTREAM_DATA_DIR=tmp_path / f"data{number}")
        for path in order:
            load(own, path)
        assert rows(own, "select payload->>'$.amount', source from raw_stripe.charges") == [("3", "event")]
        assert rows(own, "select count(*) from raw_stripe.object_versions where object = 'charge'") == [(3,)]


def test_a_bare_object_stands_for_its_files_time_and_never_beats_a_later_event(
    settings: Settings, tmp_path: Path
) -> None:
    later = tmp_path / "event.jsonl"
    later.write_text(json.dumps(event(1, charge(1, amount=2), at=1_700_000_500)))
    bare = tmp_path / "bare.jsonl"
    bare.write_text(json.dumps(charge(1, amount=1)))
    os.utime(bare, (1_700_000_400, 1_700_000_400))
    load(settings, later, bare, as_of=None)
    assert rows(settings, "select payload->>'$.amount' from raw_stripe.charges") == [("2",)]


def test_an_unknown_kind_is_kept_and_counted(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(
        json.dumps({"object": "hologram", "id": "holo_1"}) + "\n" + json.dumps({"object": "balance", "available": []})
    )
    summary = load(settings, path)
    assert (summary.loaded, summary.unknown, summary.quarantined) == (2, 2, 0)
    ids = [row[0] for row in rows(settings, "select id from raw_stripe.object_versions order by object desc")]
    assert ids[0] == "holo_1"
    assert ids[1].startswith("sha256:")


def test_torn_lines_and_what_is_no_object_are_set_aside(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl"
    path.write_text(json.dumps(charge(1)) + '\n{"id": "ch_2", "obj\n"text"\n{"id": "x"}\n' + json.dumps(charge(3)))
    summary = load(settings, path)
    assert (summary.read, summary.loaded, summary.quarantined) == (5, 2, 3)
    (kept,) = (settings.quarantine_dir / "stripe").iterdir()
    found = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [(row["line"], row["reason"]) for row in found] == [
        (2, "no valid JSON"),
        (3, "no Stripe object"),
        (4, "an object that does not say its kind (`object`)"),
    ]


def test_counts_tell_duplicates_from_what_was_stored_before(settings: Settings, tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text("\n".join(json.dumps(charge(n)) for n in (1, 2, 2)))
    second.write_text("\n".join(json.dumps(thing) for thing in (charge(2), charge(3), charge(1, amount=5))))
    one = load(settings, first)
    assert (one.read, one.loaded, one.duplicates, one.unchanged) == (3, 2, 1, 0)
    two = load(settings, second)
    assert (two.read, two.loaded, two.duplicates, two.unchanged) == (3, 2, 0, 1)


def test_one_id_may_stand_for_several_kinds(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        json.dumps({"id": "gold", "object": "plan"})
        + "\n"
        + json.dumps({"id": "gold", "object": "coupon", "created": 1})
    )
    assert load(settings, path).loaded == 2


def test_a_missing_file_loads_nothing(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        load(settings, tmp_path / "nowhere.jsonl")


def test_a_way_there_and_back_is_three_versions(settings: Settings, tmp_path: Path) -> None:
    """A to B to A: the way back has the payload of the way there and is a version all the same."""
    path = tmp_path / "a.jsonl"
    steps = [(1_700_000_100, 1), (1_700_000_200, 2), (1_700_000_300, 1)]
    path.write_text("\n".join(json.dumps(event(at, charge(1, amount=amount), at=at)) for at, amount in steps))
    load(settings, path)
    kept = rows(
        settings,
        "select payload->>'$.amount' from raw_stripe.object_versions where object = 'charge' order by version_at",
    )
    assert kept == [("1",), ("2",), ("1",)]
    assert rows(settings, "select payload->>'$.amount', event_id from raw_stripe.charges") == [("1", "evt_1700000300")]
    for moment, expected in ((1_700_000_099, []), (1_700_000_250, [("2",)]), (1_700_000_300, [("1",)])):
        sql = f"from raw_stripe.objects_as_of(make_timestamp({moment}000000)) where object = 'charge'"
        assert rows(settings, f"select payload->>'$.amount' {sql}") == expected


def test_one_bad_value_sets_aside_that_object_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    bad = {**event(1, charge(1), at=1), "created": "2024-01-01"}
    odd = {**charge(2), "livemode": "perhaps", "deleted": "maybe"}
    path.write_text("\n".join(json.dumps(one) for one in (bad, odd, charge(3))))
    summary = load(settings, path)
    assert (summary.read, summary.loaded, summary.quarantined) == (3, 2, 1)


def test_fields_are_counted_once_for_each_version(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in (charge(1), charge(1), charge(2, wings=2))))
    load(settings, path)
    more = tmp_path / "b.jsonl"
    more.write_text("\n".join(json.dumps(one) for one in (charge(2, wings=2), charge(1, wings=1))))
    load(settings, more)
    counted = dict(rows(settings, "select field, version_count from raw_stripe.fields where object = 'charge'"))
    assert counted == {"id": 3, "object": 3, "created": 3, "amount": 3, "wings": 2}


def test_made_and_deleted_within_a_second_is_deleted(tmp_path: Path, settings: Settings) -> None:
    """Both events show the same payload; which of them comes first, or in another load, does not matter."""
    item = {"id": "ii_1", "object": "invoiceitem", "date": 1_790_000_000}
    made, gone = (
        {
            "id": identity,
            "object": "event",
            "type": f"invoiceitem.{what}",
            "created": 1_790_000_000,
            "data": {"object": item},
        }
        for identity, what in (("evt_1", "created"), ("evt_2", "deleted"))
    )
    for number, documents in enumerate(([made, gone], [gone], [made])):
        file = tmp_path / f"{number}.jsonl"
        file.write_bytes(b"\n".join(json.dumps(one).encode() for one in documents))
        ingest_files(settings, [str(file)], account=f"a{min(number, 1)}", now=NOW)
    with Warehouse(settings).write("test") as connection:
        rows = connection.execute("select account, is_deleted from raw_stripe.invoiceitems order by account").fetchall()
    assert rows == [("a0", True), ("a1", True)]


def test_refunds_that_only_an_old_charge_carries_are_refunds(settings: Settings, tmp_path: Path) -> None:
    """Up to 2022-11-15 a charge carried them; a later word of the refund itself counts more, an earlier one less."""

    def refund(number: int, status: str) -> dict[str, object]:
        return {"id": f"re_{number}", "object": "refund", "charge": "ch_1", "status": status}

    carrying = charge(
        1, livemode=True, refunds={"object": "list", "data": [refund(1, "pending"), refund(2, "pending")]}
    )
    told = [
        event(1, carrying, at=2000, kind="charge.refunded"),
        charge(2, refunds={"data": []}),
        charge(3, refunds=None),
    ]
    later = [event(2, refund(1, "failed"), at=3000, kind="charge.refund.updated")]
    earlier = [event(3, refund(2, "requires_action"), at=1000, kind="charge.refund.updated")]
    files = []
    for name, lines in (("later", later), ("carrying", told), ("earlier", earlier)):
        files.append(tmp_path / f"{name}.jsonl")
        files[-1].write_text("\n".join(map(json.dumps, lines)))
    summary = load(settings, *files)
    assert (summary.read, summary.loaded) == (5, 5), "what a charge carries was not handed in"
    found = rows(
        settings, "select id, json_extract_string(payload, '/status'), livemode from raw_stripe.refunds order by id"
    )
    assert found == [("re_1", "failed", True), ("re_2", "pending", True)]
    assert load(settings, *files).loaded == 0
