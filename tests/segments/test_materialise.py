"""The history of who was in a segment when."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipelines.segments import materialise, parse_segment, save
from pipelines.state import reading
from pipelines.state.tables import segment_memberships
from tests.segments.people import NOW, person, publish_people

DAY = timedelta(days=1)


def rows(engine):
    with reading(engine) as connection:
        found = connection.execute(select(segment_memberships).order_by("segment", "person_id", "entered_at")).all()
    return [tuple(row) for row in found]


@pytest.fixture
def pro(engine):
    save(engine, parse_segment("name: pro\nmatch: {trait: {field: plan, op: eq, value: pro}}"), NOW)


def with_plans(settings, *plans):
    return publish_people(settings, [person(n, plan=plan) for n, plan in enumerate(plans, start=1)])


def test_entries_and_exits_are_dated(engine, settings, pro):
    materialise(engine, with_plans(settings, "pro", "pro"), NOW)
    (change,) = materialise(engine, with_plans(settings, "pro", "basic", "pro"), NOW + DAY)
    assert (change.members, change.entered, change.left) == (2, 1, 1)
    assert rows(engine) == [
        ("pro", "p0001", NOW, None),
        ("pro", "p0002", NOW, NOW + DAY),
        ("pro", "p0003", NOW + DAY, None),
    ]


def test_running_twice_changes_nothing(engine, settings, pro):
    snapshot = with_plans(settings, "pro", "basic")
    materialise(engine, snapshot, NOW)
    before = rows(engine)
    for later in (NOW, NOW + DAY):
        (change,) = materialise(engine, snapshot, later)
        assert (change.entered, change.left) == (0, 0)
    assert rows(engine) == before


def test_coming_back_later_is_a_second_stay(engine, settings, pro):
    for position, plan in enumerate(("pro", "basic", "pro")):
        materialise(engine, with_plans(settings, plan), NOW + position * DAY)
    assert rows(engine) == [("pro", "p0001", NOW, NOW + DAY), ("pro", "p0001", NOW + 2 * DAY, None)]


def test_back_and_forth_at_one_moment_leaves_no_trace(engine, settings, pro):
    materialise(engine, with_plans(settings, "pro", "basic"), NOW)
    before = rows(engine)
    for first, second in (("basic", "pro"), ("pro", "basic"), ("basic", "basic"), ("pro", "basic")):
        materialise(engine, with_plans(settings, first, second), NOW + DAY)
    assert rows(engine) == before


CHILD = """
from pipelines.settings import load_settings
from pipelines.state import open_state
from pipelines.segments import materialise
from pipelines.warehouse import SnapshotReader
settings = load_settings()
materialise(open_state(settings), SnapshotReader(settings.published_dir).current(), settings.now())
"""


def test_a_killed_run_leaves_the_history_as_it_was(engine, settings, pro):
    with_plans(settings, "pro")
    environment = {**os.environ, "MILLSTREAM_DATA_DIR": str(settings.data_dir)}
    fault = {"MILLSTREAM_FAULT": "segments.before_commit:1"}
    killed = subprocess.run([sys.executable, "-c", CHILD], env=environment | fault, check=False)
    assert killed.returncode == 137
    assert rows(engine) == []
    subprocess.run([sys.executable, "-c", CHILD], env=environment, check=True)
    assert len(rows(engine)) == 1
