"""Versions of one second: which came last, told by what each event says that it replaced."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stripe.moments import Version, in_order

Json = dict[str, Any]


def changed(payload: Json, **replaced: Any) -> Version:
    """A version by an event; its hash is the worst that it could have."""
    return Version(payload, payload_hash=str(sorted(payload.items())), replaced=replaced)


def last_in_every_order(versions: list[Version], before: Json | None = None) -> list[Json]:
    """The last payload for each order that the versions may be handed in."""
    found = []
    for order in itertools.permutations(versions):
        last = order[in_order(order, before)[-1]].payload
        if last not in found:
            found.append(last)
    return found


def test_a_change_comes_after_the_version_that_it_replaced() -> None:
    versions = [
        changed({"amount": 9, "status": "open"}, amount=1),
        changed({"amount": 5, "status": "open"}, amount=9),
        changed({"amount": 5, "status": "paid"}, status="open"),
    ]
    assert last_in_every_order(versions) == [{"amount": 5, "status": "paid"}]


def test_of_a_nested_object_only_the_changed_keys_are_told() -> None:
    versions = [
        changed({"metadata": {"plan": "z", "team": "a"}}, metadata={"plan": None}),
        changed({"metadata": {"plan": "a", "team": "a"}}, metadata={"plan": "z"}),
    ]
    assert last_in_every_order(versions) == [{"metadata": {"plan": "a", "team": "a"}}]


def test_there_and_back_ends_where_it_began_if_that_is_known() -> None:
    there, back = changed({"amount": 2}, amount=1), changed({"amount": 1}, amount=2)
    assert last_in_every_order([there, back], before={"amount": 1}) == [{"amount": 1}]
    assert last_in_every_order([there, back], before={"amount": 2}) == [{"amount": 2}]
    # Not known, it is the same one whatever the order.
    assert len(last_in_every_order([there, back])) == 1


@pytest.mark.parametrize(
    "end",
    [
        Version({"id": "x", "deleted": True}, "0", is_deleted=True),
        Version({"id": "x", "status": "canceled"}, "0"),
    ],
    ids=["deleted", "ended"],
)
def test_where_nothing_is_told_the_end_is_last(end: Version) -> None:
    others = [
        Version({"id": "x", "status": "active"}, "f"),
        changed({"id": "x", "status": "past_due"}, status="active"),
    ]
    assert last_in_every_order([*others, end]) == [end.payload]


@given(steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=5))
def test_a_chain_of_changes_that_never_comes_back_is_told_apart(steps: list[tuple[str, int]]) -> None:
    """Whatever the hashes say, and in every order: the chain's last state is last."""
    state: Json = dict.fromkeys("abc", 0)
    seen, versions = [state], []
    for name, value in steps:
        after = state | {name: value}
        if after not in seen:
            versions.append(changed(after, **{name: state[name]}))
            seen.append(after)
            state = after
    if versions:
        assert last_in_every_order(versions, before=seen[0]) == [state]
