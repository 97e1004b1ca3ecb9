"""A campaign of seventy people, approved and ready to be sent by a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine

from pipelines.campaigns import approve, parse_campaign, save
from pipelines.privacy import ConsentRow, import_consents
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state
from tests.postgres import server
from tests.segments.people import NOW, person, publish_people

__all__ = ["server"]

SIZE = 70
"""More than one batch of the sender."""
SENDER = """
from pipelines.delivery import send
from pipelines.settings import load_settings
import sys
report = send(load_settings(), "win-back", note=lambda line: print(line, file=sys.stderr, flush=True))
print(report.accepted, report.state)
"""
HTML = "<p>{{ first_name | default('Hello') }}</p><a href='{{ unsubscribe_url }}'>Leave</a> {{ postal_address }}"
DOCUMENT = {"name": "win-back", "segment": "everybody", "subject": "Hi", "html": HTML, "holdout": 0.1}


MEMORY = Path("/dev/shm")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """In memory where there is such a disk: a process that is killed loses nothing there, and waits for no platter."""
    folder = Path(tempfile.mkdtemp(prefix="millstream-", dir=MEMORY if os.access(MEMORY, os.W_OK) else tmp_path))
    yield Settings(MILLSTREAM_DATA_DIR=folder / "data", MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely")
    shutil.rmtree(folder)


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return open_state(settings)


@pytest.fixture
def campaign(settings: Settings, engine: Engine) -> str:
    return make_campaign(settings, engine, SIZE)


def make_campaign(settings: Settings, engine: Engine, size: int) -> str:
    """Approve a campaign to `size` people, four of whom never agreed."""
    people = [person(n, first_name=f"N{n}", country="DE" if n % 2 else None) for n in range(size)]
    publish_people(settings, people)
    rows = [ConsentRow(n, email=f"p{n}@example.com", source="form", at=NOW) for n in range(size - 4)]
    import_consents(engine, rows, NOW)
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), NOW)
    save(engine, parse_campaign(yaml.safe_dump(DOCUMENT), settings.data_dir), NOW)
    approve(engine, settings, "win-back", NOW, user="ann")
    return "win-back"


@pytest.fixture
def start(settings: Settings):
    """Start a sender; `fault` names the place where it dies."""
    running: list[subprocess.Popen[str]] = []

    def begin(fault: str = "", code: str = SENDER) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "MILLSTREAM_DATA_DIR": str(settings.data_dir),
            "MILLSTREAM_POSTAL_ADDRESS": settings.postal_address,
            "MILLSTREAM_FAULT": fault,
        }
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()
