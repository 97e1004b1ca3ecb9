"""The demo's data folder: made once, marked, reused; never a folder that holds other data."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from pipelines.demo.business import make_business
from pipelines.errors import MillstreamError
from pipelines.files import write_whole
from pipelines.settings import DEMO_MARKER


@dataclass(frozen=True)
class Story:
    """What was asked for; None = whatever the folder holds, else the default."""

    customers: int | None = None
    months: int | None = None
    seed: int | None = None
    until: date | None = None


DEFAULTS = {"customers": 2000, "months": 24, "seed": 7}


def open_folder(folder: Path, story: Story, *, today: date) -> tuple[Path, bool]:
    """The business of this folder (made now where it is missing), and whether it was reused.

    Raises:
        MillstreamError: the folder holds data that the demo did not make, or another story.
    """
    marker, business = folder / DEMO_MARKER, folder / "business"
    if marker.exists():
        kept = json.loads(marker.read_text())
        _refuse_other_story(folder, kept, story)
    else:
        if folder.exists() and any(path.name not in (".gitkeep", "README.md") for path in folder.iterdir()):
            raise MillstreamError(
                f"{folder} holds data that the demo did not make; nothing was changed. "
                "Set MILLSTREAM_DATA_DIR to an empty folder, or leave it out (then data/demo is used)."
            )
        folder.mkdir(parents=True, exist_ok=True)
        kept = _told(story, today)
        # Marked before the first file, so that a killed first call is continued and not refused.
        write_whole(marker, json.dumps(kept, indent=1).encode())
    if business.exists():
        return business, True
    aside = folder / "business.part"
    shutil.rmtree(aside, ignore_errors=True)
    until = datetime.fromisoformat(kept["until"]).date()
    make_business(aside, customers=kept["customers"], months=kept["months"], seed=kept["seed"], until=until)
    aside.rename(business)
    return business, False


def _told(story: Story, today: date) -> dict[str, object]:
    asked = {name: value for name, value in asdict(story).items() if value is not None}
    until = story.until or today
    return {**DEFAULTS, **asked, "until": datetime.combine(until, time(), UTC).isoformat()}


def _refuse_other_story(folder: Path, kept: dict[str, object], story: Story) -> None:
    for name, value in asdict(story).items():
        wanted = datetime.combine(value, time(), UTC).isoformat() if isinstance(value, date) else value
        if value is not None and kept[name] != wanted:
            raise MillstreamError(
                f"{folder} holds a demo with {name} = {kept[name]}; nothing was changed. "
                "Remove that folder, or set MILLSTREAM_DATA_DIR to another one."
            )
