"""One gateway over one filled folder, for all tests that only ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.accounts import add_user, make_token, passwords
from pipelines.events.sources import add_source
from pipelines.gateway.app import create_app
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.state import open_state
from tests.accounts.life import PASSWORD
from tests.dashboards.places import NOW, RULE, fill, settings_of
from tests.gateway.calling import Caller, serving
from tests.gateway.children import children_of_the_api

ROLES = ("reader", "marketer", "admin")


@pytest.fixture(scope="session")
def folder(built_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built folder with segments, a campaign that was sent, a source, a user for each role, and ann."""
    folder = fill(built_folder, tmp_path_factory.mktemp("api") / "data")
    engine, now = open_state(settings_of(folder)), datetime.now(UTC)
    save_segment(engine, parse_segment(RULE), NOW)
    add_source(engine, "web", now=NOW)
    for role in ROLES:
        add_user(engine, role, role, None, now=now)
    with pytest.MonkeyPatch.context() as cheaper:
        cheaper.setattr(passwords, "_LOG_N", 10)
        add_user(engine, "ann", "reader", PASSWORD, now=now)
    return folder


@pytest.fixture(scope="session")
def store(folder: Path) -> Engine:
    """The state store of that folder."""
    return open_state(settings_of(folder))


@pytest.fixture(scope="session")
def tokens(store: Engine) -> dict[str, str]:
    """A token of each role."""
    now, life = datetime.now(UTC), timedelta(hours=1)
    return {role: make_token(store, role, label="", life=life, now=now)[0] for role in ROLES}


@pytest.fixture(scope="session")
def asked_gateway(folder: Path) -> Iterator[Caller]:
    """The gateway over it."""
    with serving(create_app(settings_of(folder))) as caller:
        yield caller


@pytest.fixture
def children() -> Callable[[], list[int]]:
    """The processes that a test's own gateway has started, beside those of a gateway that all share."""
    before = set(children_of_the_api())
    return lambda: [child for child in children_of_the_api() if child not in before]
