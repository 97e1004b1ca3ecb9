"""Events packed into one number each give the attempts that they give as three."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipelines.behaviour.chain import PackedRows, Rows, attempts_of, sorted_rows

APART = 2**44
"""Keys so far apart do not fit beside times of days in microseconds."""
EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 90), st.integers(0, 3)), min_size=1, max_size=30)


@given(EVENTS, st.sampled_from([1, 1_000, 1_000_000, 86_400_000_000]), st.integers(0, 20), st.integers(-9, 9))
def test_packed_or_not_the_attempts_are_the_same(
    events: list[tuple[int, int, int]], unit: int, window: int, first: int
) -> None:
    person, at, step = (np.array(column, dtype=np.int64) for column in zip(*events, strict=True))
    at, person = at * unit + 1_785_542_400_000_000, person + first
    packed = sorted_rows(person, at, step)
    order = np.lexsort((step, at, person))
    plain = Rows(person[order], at[order], step[order])
    assert isinstance(packed, PackedRows)
    assert attempts_of(packed, 4, window * unit).equals(attempts_of(plain, 4, window * unit))


def test_what_does_not_fit_into_one_number_stays_three() -> None:
    person, at, step = (
        np.array(column, dtype=np.int64) for column in ([APART, 0, APART], [5, 3, 2_000_001], [0, 0, 1])
    )
    rows = sorted_rows(person, at, step)
    assert isinstance(rows, Rows)
    found = attempts_of(rows, 2, 2_000_000)
    wanted = {"person_key": [0, APART], "reached": [1, 2], "at_0": [3, 5], "at_1": [None, 2_000_001]}
    assert found.equals(pl.DataFrame(wanted, schema=found.schema))
