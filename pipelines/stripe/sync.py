"""Bring what changed at Stripe into the landing zone, then into the warehouse.

The first sync lists everything; later ones read the events since the cursor, which name the
objects that changed, and fetch those again: an event is a signal, its payload may be an old shape.
Objects that change without events are listed again over a lookback. The cursor moves only after
everything of the call was landed, so a crash repeats requests and loses nothing; what was landed
and not loaded is loaded by the next call, whatever it fetches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import orjson
from sqlalchemy import Engine, delete, insert, select

from pipelines.landing import Landing
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import cursors
from pipelines.stripe.catalogue import BY_NAME, KINDS, Kind
from pipelines.stripe.client import Page, StripeApi
from pipelines.stripe.load import load_landed
from pipelines.warehouse import Warehouse

OVERLAP = timedelta(minutes=10)
"""Events become visible some time after their timestamp."""
BEHIND = timedelta(seconds=30)
"""We stay this far behind now, for the same reason."""
EVENTS_KEPT = timedelta(days=29)
"""Stripe forgets events after 30 days."""
PAGES_PER_SEGMENT = 100

Progress = Callable[[str], None]


def sync(
    settings: Settings,
    api: StripeApi,
    *,
    full: bool = False,
    account: str = "default",
    now: datetime,
    progress: Progress = lambda line: None,
) -> LoadSummary:
    """Fetch what changed (all with `full`, or when the cursor is too old), land and load it.

    Raises:
        MillstreamError: Stripe refused or did not answer; what was landed so far is loaded next time.
        BusyError: another process writes.
    """
    begin = time.monotonic()
    state = open_state(settings)
    with Warehouse(settings).hold("millstream ingest stripe"):
        call = _Call(settings, api, account, now, progress)
        cursor = _read_cursor(state, call.cursor_name)
        if cursor is not None and now - cursor > EVENTS_KEPT:
            progress(f"stripe: the last sync was {(now - cursor).days} days ago, events are lost: listing everything")
            cursor = None
        if full or cursor is None:
            call.list_everything()
        else:
            call.follow_events(cursor)
        # Commit of the cursor comes last: everything that it skips is already on disk.
        _write_cursor(state, call.cursor_name, now - (OVERLAP if cursor is None or full else BEHIND), now)
        with Warehouse(settings).write("millstream ingest stripe") as connection:
            summary = load_landed(connection, settings, now=now)
    summary.seconds = time.monotonic() - begin
    return summary


class _Call:
    """One sync: what it asks with, where it lands, and as of when."""

    def __init__(self, settings: Settings, api: StripeApi, account: str, now: datetime, progress: Progress) -> None:
        self._api = api
        self._landing = Landing(settings.landing_dir)
        self._account = account
        self._now = now
        self._progress = progress

    @property
    def cursor_name(self) -> str:
        return f"stripe/{self._account}/{self._api.mode}/events"

    def list_everything(self) -> None:
        for kind in KINDS:
            # The upper bound keeps objects that are made meanwhile from moving the pages.
            self._land_list(kind, {"created": {"lte": _seconds(self._now)}})
        self._land_pages("event", self._api.pages("/v1/events", {"created": {"lte": _seconds(self._now - BEHIND)}}))

    def follow_events(self, cursor: datetime) -> None:
        window = {"gte": _seconds(cursor - OVERLAP), "lte": _seconds(self._now - BEHIND)}
        changed: dict[tuple[str, str], int] = {}

        def watched() -> Iterator[Page]:
            for page in self._api.pages("/v1/events", {"created": window}):
                for event in page.objects:
                    _note_changed(event, changed)
                yield page

        self._land_pages("event", watched())
        self._refetch(changed)
        for kind in KINDS:
            if kind.lookback is not None:
                since = _seconds(cursor - kind.lookback)
                self._land_list(kind, {"created": {"gte": since, "lte": _seconds(self._now)}})

    def _land_list(self, kind: Kind, parameters: dict[str, object]) -> None:
        expand = [f"data.{path}" for path in kind.expand]
        asked = {**kind.parameters, **parameters, **({"expand": expand} if expand else {})}
        self._land_pages(kind.name, self._api.pages(kind.path, asked))

    def _land_pages(self, name: str, pages: Iterator[Page]) -> None:
        bodies: list[bytes] = []
        count = 0
        for page in pages:
            bodies.append(page.body)
            bodies.extend(self._rest_of_children(page))
            count += len(page.objects)
            if len(bodies) >= PAGES_PER_SEGMENT:
                self._seal(name, bodies, source="list")
                bodies = []
                self._progress(f"stripe: {count:,} {name}s")
        self._seal(name, bodies, source="list")
        self._progress(f"stripe: {count:,} {name}s, done")

    def _rest_of_children(self, page: Page) -> Iterator[bytes]:
        """Pages of lines and items that do not fit into their object (Stripe puts in ten)."""
        for thing in page.objects:
            kind = BY_NAME.get(str(thing.get("object")))
            children = kind.children if kind else None
            inside = thing.get(children.field) if children else None
            if children and isinstance(inside, dict) and inside.get("has_more"):
                owner = _in_path(thing["id"])
                given: dict[str, object] = {children.parameter: thing["id"]} if children.parameter else {}
                for more in self._api.pages(children.path.format(owner), given, may_be_gone=True):
                    yield more.body

    def _refetch(self, changed: dict[tuple[str, str], int]) -> None:
        bodies: list[bytes] = []
        for (name, identifier), at in sorted(changed.items()):
            kind = BY_NAME[name]
            body = self._api.get(
                f"{kind.path}/{_in_path(identifier)}", **({"expand": list(kind.expand)} if kind.expand else {})
            )
            if body is None:
                gone = {"id": identifier, "object": name, "deleted": True, "deleted_at": at}
                bodies.append(orjson.dumps(gone))
                continue
            bodies.append(body)
            thing = orjson.loads(body)
            bodies.extend(self._rest_of_children(Page(body, [thing], False)))
        self._seal("refetched", bodies, source="refetch")
        self._progress(f"stripe: {len(changed):,} changed objects fetched again")

    def _seal(self, name: str, bodies: list[bytes], *, source: str) -> None:
        options = {
            "account": self._account,
            "mode": self._api.mode,
            "source": source,
            "fetched_at": self._now.isoformat(),
        }
        self._landing.add_lines(bodies, source="stripe", name=name, options=options, now=self._now)


def _note_changed(event: dict[str, object], changed: dict[tuple[str, str], int]) -> None:
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not isinstance(thing, dict) or thing.get("object") not in BY_NAME or not thing.get("id"):
        return
    key = (str(thing["object"]), str(thing["id"]))
    changed[key] = max(changed.get(key, 0), int(str(event.get("created", 0))))


def _in_path(identifier: object) -> str:
    """An id as a part of a path: a coupon may be called SUMMER#1 or A/B."""
    return quote(str(identifier), safe="")


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _read_cursor(state: Engine, name: str) -> datetime | None:
    with reading(state) as connection:
        value = connection.execute(select(cursors.c.value).where(cursors.c.name == name)).scalar()
    return None if value is None else datetime.fromtimestamp(int(value), UTC)


def _write_cursor(state: Engine, name: str, at: datetime, now: datetime) -> None:
    with writing(state) as connection:
        connection.execute(delete(cursors).where(cursors.c.name == name))
        connection.execute(insert(cursors).values(name=name, value=str(_seconds(at)), updated_at=now))
