"""A served story for reading, and an empty shop for hand-made objects and faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import orjson
import pytest
import stripe

from pipelines.demo.business import make_business
from pipelines.demo.knobs import Knobs
from pipelines.demo.stripe_server import serving
from tests.demo.asking import Data, Json, Shop, client_of, lines_of


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("story")
    make_business(folder, until=date(2026, 11, 24), customers=300, months=14, seed=11)
    return folder


@pytest.fixture(scope="session")
def stored(story: Path) -> Data:
    return {path.stem: lines_of(path) for path in (story / "stripe").iterdir()}


@pytest.fixture(scope="session")
def truth(story: Path) -> Json:
    loaded: Json = orjson.loads((story / "truth.json").read_bytes())
    return loaded


@pytest.fixture(scope="session")
def client(story: Path) -> Iterator[stripe.StripeClient]:
    with serving(story) as url:
        yield client_of(url)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    knobs = Knobs()
    with serving(tmp_path, knobs=knobs) as url:
        yield Shop(tmp_path, knobs, url)
