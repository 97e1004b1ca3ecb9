"""One business, told in five versions of Stripe's API: each telling is an account of its own.

The simulated business is read as a sync would read it; older versions are rendered from that. Objects
have the same ids in every account; only the people differ, or they would be one person each.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from pipelines.demo.answers import Answers
from pipelines.demo.business import make_business
from pipelines.demo.knobs import Knobs
from pipelines.demo.object_store import Store
from pipelines.settings import Settings
from pipelines.stripe import ingest_files
from pipelines.stripe.catalogue import KINDS
from tests.transform.stripe_versions import VERSIONS, Books, rendered

Json = dict[str, Any]

ACCOUNTS = {version: f"told in {version}" for version in VERSIONS}
PLACES = {version: f"v{re.sub('[^0-9]', '', version)}" for version in VERSIONS}
"""A part of every e-mail address and user id, so that each account has people of its own."""


def ingest(settings: Settings, folder: Path, now: datetime) -> None:
    """Load the business five times, as files with their lines in no order.

    Of the small businesses it is one with refunds, disputes, credit notes, coupons, changes of plan and an
    invoice of more than ten lines.
    """
    make_business(folder / "business", until=now.date(), customers=40, months=14, seed=39)
    told = list(every_object(folder / "business"))
    books = Books.of(one for one in told if one["object"] != "list")
    for version in VERSIONS:
        lines = [
            _placed(found, PLACES[version]) for one in told if (found := _in_version(one, version, books)) is not None
        ]
        random.Random(version).shuffle(lines)
        path = folder / f"{PLACES[version]}.jsonl"
        path.write_text("\n".join(lines) + "\n")
        summary = ingest_files(settings, [str(path)], account=ACCOUNTS[version], as_of=now, now=now)
        assert (summary.quarantined, summary.unknown) == (0, 0), version


def every_object(business: Path) -> Iterator[Json]:
    """Every object that a first sync gets, then the events; lines past the tenth as pages of their list."""
    answers = Answers(Store(business), Knobs())
    for kind in KINDS:
        for thing in _every(answers, kind.path.removeprefix("/v1/"), kind.parameters, kind.expand):
            yield thing
            children = thing.get("lines")
            if children and children["has_more"]:
                path = children["url"].removeprefix("/v1/")
                yield {"object": "list", "url": children["url"], "data": list(_every(answers, path, {}, ()))}
    yield from _every(answers, "events", {}, ())


def _every(answers: Answers, path: str, parameters: dict[str, str], expanded: tuple[str, ...]) -> Iterator[Json]:
    asked = {"limit": "100"} | parameters | {f"expand[{at}]": f"data.{name}" for at, name in enumerate(expanded)}
    after: dict[str, str] = {}
    while True:
        page = orjson.loads(answers.get(path, "&".join(f"{name}={value}" for name, value in (asked | after).items())))
        yield from page["data"]
        if not page["has_more"]:
            return
        after = {"starting_after": page["data"][-1]["id"]}


def _in_version(thing: Json, version: str, books: Books) -> Json | None:
    if thing["object"] != "list":
        return rendered(thing, version, books)
    return thing | {"data": [rendered(one, version, books) for one in thing["data"]]}


def _placed(thing: Json, place: str) -> str:
    """As text, live, with addresses and user ids of this place."""
    text = json.dumps(thing, separators=(",", ":")).replace('"livemode":false', '"livemode":true')
    text = text.replace("@example", f"@{place}.example")
    return re.sub(r'"(user_id|client_reference_id)":"', rf'"\1":"{place}.', text)
