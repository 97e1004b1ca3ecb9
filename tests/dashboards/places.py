"""Data folders that pages are opened over: one with everything in it, one with nothing."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import yaml

from pipelines.campaigns import approve, parse_campaign, save
from pipelines.delivery import send
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CAMPAIGN = "autumn-news"
SUBJECT = "![drawn](https://elsewhere.example/pixel.png) <b>News</b>"
_HTML = "<p>Hello</p><a href='{{ unsubscribe_url }}'>Leave</a> {{ postal_address }}"


def fill(built: Path, folder: Path) -> Path:
    """Copy a built folder and send one campaign from it, with a subject that tries to be markup."""
    shutil.copytree(built, folder)
    settings = settings_of(folder)
    engine = open_state(settings)
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), NOW)
    document = {"name": CAMPAIGN, "segment": "everybody", "subject": SUBJECT, "html": _HTML, "holdout": 0.3}
    save(engine, parse_campaign(yaml.safe_dump(document), folder), NOW)
    approve(engine, settings, CAMPAIGN, NOW, user="ann")
    send(settings, CAMPAIGN)
    engine.dispose()
    return folder


def settings_of(folder: Path) -> Settings:
    """The settings of a folder whose paying customers may be mailed."""
    return Settings.model_validate(
        {
            "MILLSTREAM_DATA_DIR": folder,
            "MILLSTREAM_POSTAL_ADDRESS": "1 Example Street, 10115 Berlin",
            "MILLSTREAM_CONSENT": "customers",
        }
    )
