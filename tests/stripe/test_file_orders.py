"""Files in any order, whole, twice or cut in pieces: the newest tables are the same to the last column."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.landing import Segment
from pipelines.stripe.load import begin_call, load_incoming, prepare_stripe
from pipelines.warehouse.writer import Connection

Json = dict[str, Any]
START = 1_700_000_000


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with duckdb.connect(":memory:") as found:
        found.execute("set timezone = 'UTC'; create schema raw_stripe")
        prepare_stripe(found)
        begin_call(found)
        yield found


def load(connection: Connection, account: str, lines: list[Json], *, at: int) -> None:
    """The lines as one file of this account, whose bare objects stand for the moment `at`."""
    moment = datetime.fromtimestamp(at, UTC)
    segment = Segment(
        path="", sha256="", source="stripe", format="stripe", input_id="", input_name="", part=0, first_line=1,
        received_at=moment, options={"account": account, "source": "file", "fetched_at": moment.isoformat()},
    )  # fmt: skip
    incoming = pa.table(
        {
            "line": pa.array(range(1, len(lines) + 1), pa.int64()),
            "text": pa.array([json.dumps(line) for line in lines], pa.string()),
            "problem": pa.array([None] * len(lines), pa.string()),
        }
    )
    connection.register("incoming", incoming)
    wrong, _ = load_incoming(connection, segment)
    connection.unregister("incoming")
    assert wrong == []


def newest(connection: Connection, account: str) -> list[tuple[Any, ...]]:
    """Every row of the newest tables but for its account, and of the history what is no number of a row."""
    kept = "livemode, id, api_version, version_at, source, event_id, is_deleted, payload_hash, payload::varchar"
    found: list[tuple[Any, ...]] = []
    for table in ("charges", "invoices", "object_versions"):
        more = ", moment_order" if table == "object_versions" else ""
        found += connection.execute(
            f"select '{table}', {kept}{more} from raw_stripe.{table} where account = ? order by all", [account]
        ).fetchall()
    lines = "select livemode, parent_id, id, payload_hash from raw_stripe.invoice_lines where account = ? order by all"
    return found + connection.execute(lines, [account]).fetchall()


@st.composite
def histories(draw: st.DrawFn) -> list[list[Json]]:
    """What happened to some charges and invoices, told by events and dumps, dealt into files."""
    told: list[Json] = []
    for number, kind in enumerate(("charge", "charge", "charge", "invoice") * 3):
        told += draw(_history(f"{kind}_{number}", kind))
    files: list[list[Json]] = [[] for _ in range(3)]
    for one in draw(st.permutations(told)):
        files[draw(st.integers(0, 2))].append(one)
    # Some stand in two files.
    for one in draw(st.lists(st.sampled_from(told), max_size=6)):
        files[draw(st.integers(0, 2))].append(one)
    return files


@st.composite
def _history(draw: st.DrawFn, identity: str, kind: str) -> list[Json]:
    """Steps with ties in a second, there and back, in one mode, in both, or in none that is told."""
    mode = draw(st.sampled_from([{}, {"livemode": True}, {"livemode": False}]))
    state: Json = {"id": identity, "object": kind, "created": START, "amount": 0, "status": "open"} | mode
    if kind == "invoice":
        state["lines"] = {"object": "list", "data": [{"id": "il_1", "object": "line_item", "amount": 1}]}
    told: list[Json] = []
    at = START
    for number in range(draw(st.integers(1, 4))):
        at += draw(st.integers(0, 1))
        name, value = draw(st.sampled_from([("amount", 0), ("amount", 1), ("status", "open"), ("status", "paid")]))
        before, state = state, state | {name: value}
        how = draw(st.sampled_from(["event", "event", "event", "bare", "modeless"]))
        if how == "event":
            told.append(_event(f"evt_{identity}_{number}", state, at, {name: before[name]}))
        else:
            told.append({key: part for key, part in state.items() if how == "bare" or key != "livemode"})
    if draw(st.booleans()):
        told.append(_event(f"evt_{identity}_end", state | {"deleted": True}, at, {}, "deleted"))
    return told


def _event(identity: str, state: Json, at: int, replaced: Json, what: str = "updated") -> Json:
    data = {"object": state} | ({"previous_attributes": replaced} if replaced else {})
    return {"id": identity, "object": "event", "type": f"{state['object']}.{what}", "created": at, "data": data}


@settings(max_examples=6)
@given(files=histories(), data=st.data())
def test_the_order_of_files_and_of_their_lines_never_matters(
    connection: Connection, files: list[list[Json]], data: st.DataObject
) -> None:
    for table in ("object_versions", "charges", "invoices", "invoice_lines", "events"):
        connection.execute(f"delete from raw_stripe.{table}")
    numbered = list(enumerate(files))
    other = data.draw(st.permutations([*numbered, data.draw(st.sampled_from(numbered))]))
    for account, order in (("one", numbered), ("other", other)):
        for number, lines in order:
            shuffled = lines if account == "one" else data.draw(st.permutations(lines))
            # A file stands for its own time, whenever it is loaded.
            load(connection, account, list(shuffled), at=START + number)
    assert newest(connection, "one") == newest(connection, "other")
    assert newest(connection, "one")


def test_the_last_of_several_changes_in_one_second_is_the_newest(connection: Connection) -> None:
    states = [{"id": "ch_1", "object": "charge", "created": 1, "amount": amount} for amount in (7, 3, 9, 4)]
    events = [
        _event(f"evt_{number}", after, START, {"amount": before["amount"]})
        for number, (before, after) in enumerate(pairwise(states))
    ]
    for account, order in (("there", events), ("back", events[::-1])):
        load(connection, account, order, at=START)
        rows = connection.execute(
            "select payload->>'amount' from raw_stripe.charges where account = ?", [account]
        ).fetchall()
        assert rows == [("4",)]
        kept = connection.execute(
            "select payload->>'amount' from raw_stripe.object_versions where account = ? and object = 'charge' "
            "order by version_at, moment_order",
            [account],
        ).fetchall()
        assert kept == [("3",), ("9",), ("4",)]


def test_an_object_that_says_no_mode_belongs_to_every_mode_that_it_is_known_in(connection: Connection) -> None:
    """A refund never says its mode: from a file alone it has none, from an event it has the event's."""
    refund = {"id": "re_1", "object": "refund", "created": 1, "amount": 5}
    modes = "select livemode, payload->>'amount' from raw_stripe.refunds where account = 'modes' order by livemode"
    load(connection, "modes", [refund], at=START)
    assert connection.execute(modes).fetchall() == [(None, "5")]
    event = _event("evt_1", refund | {"amount": 6}, START - 10, {}) | {"livemode": True}
    load(connection, "modes", [event], at=START)
    assert connection.execute(modes).fetchall() == [(True, "5")]
    load(connection, "modes", [event | {"id": "evt_2", "livemode": False, "created": START + 10}], at=START)
    assert connection.execute(modes).fetchall() == [(False, "6"), (True, "5")]


@pytest.mark.parametrize(
    ("account", "expected"), [("default", "acct_1"), ("acct_platform", "acct_1"), ("my shop", "my shop")]
)
def test_an_event_of_a_connected_account_names_it(connection: Connection, account: str, expected: str) -> None:
    thing = {"id": f"ch_{account}", "object": "charge", "created": 1, "amount": 5}
    load(connection, account, [_event(f"evt_{account}", thing, START, {}) | {"account": "acct_1"}], at=START)
    rows = connection.execute("select account from raw_stripe.charges where id = ?", [thing["id"]]).fetchall()
    assert rows == [(expected,)]


def test_of_two_events_that_tell_one_version_the_same_one_is_kept(connection: Connection) -> None:
    thing = {"id": "ch_twice", "object": "charge", "created": 1, "amount": 5}
    events = [_event(f"evt_twice_{number}", thing, START, {}) for number in (1, 2)]
    for account, order in (("one way", events), ("other way", events[::-1])):
        for event in order:
            load(connection, account, [event], at=START)
        for table in ("charges", "object_versions"):
            rows = connection.execute(
                f"select event_id from raw_stripe.{table} where account = ? and object = 'charge'", [account]
            ).fetchall()
            assert rows == [("evt_twice_1",)]
