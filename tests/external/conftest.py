"""Cases and data that do not belong to the repository; without their folder nothing here is collected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MATERIAL = os.environ.get("MILLSTREAM_TEST_MATERIAL")

collect_ignore_glob = [] if MATERIAL else ["*"]


@pytest.fixture(scope="session")
def material() -> Path:
    """The folder that MILLSTREAM_TEST_MATERIAL names."""
    assert MATERIAL is not None
    return Path(MATERIAL)
