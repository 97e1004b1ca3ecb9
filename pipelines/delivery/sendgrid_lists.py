"""SendGrid's own suppression lists beside ours: what it knows and we lack is added; the differences are told.

Webhooks tell of most within seconds; what one of them lost, this finds at night. A page is one transaction
together with the place in the lists, so a reconcile that was killed goes on where it stopped. Nothing is ever
taken off our lists by it: whoever was taken off SendGrid's is told by number.

A block passes (the server refused that mail, not the address), so blocks are counted only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, select

from pipelines.delivery.applied import SOURCE
from pipelines.delivery.events import UNSUBSCRIBED
from pipelines.errors import MillstreamError
from pipelines.privacy import InvalidAddressError, address_key, choose_group, suppress
from pipelines.privacy.hiding import hidden_keys
from pipelines.settings import Settings
from pipelines.state import reading, writing
from pipelines.state.tables import cursors, suppressions

if TYPE_CHECKING:
    import httpx

PAGE = 500
ATTEMPTS = 7
TIMEOUT = 30.0
LONGEST_PAUSE = 120.0
"""Seconds; SendGrid's limits are of a minute."""
_STALE = timedelta(hours=12)
_PLACE = "sendgrid/lists"
_FAR = 4_102_444_800
"""A second in 2100: no list knows a later one."""


class _List(NamedTuple):
    """One list: its path, the reason that its addresses have, and whether it comes in pages."""

    path: str
    reason: str | None
    has_pages: bool = True


_LISTS = {
    "bounces": _List("/v3/suppression/bounces", "bounce"),
    "blocks": _List("/v3/suppression/blocks", None),
    "invalid_emails": _List("/v3/suppression/invalid_emails", "invalid"),
    "spam_reports": _List("/v3/suppression/spam_reports", "complaint"),
    "unsubscribes": _List("/v3/suppression/unsubscribes", UNSUBSCRIBED),
    "groups": _List("/v3/asm/suppressions", UNSUBSCRIBED, has_pages=False),
}


@dataclass
class Compared:
    """One list: how many addresses SendGrid has, how many were new here, how many are none."""

    name: str
    theirs: int = 0
    added: int = 0
    bad: int = 0


@dataclass
class Reconciled:
    """What a reconcile found. `only_here` is None where it went on with one that was broken off."""

    lists: list[Compared] = field(default_factory=list)
    requests: int = 0
    only_here: int | None = None

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "lists": [asdict(one) for one in self.lists],
            "requests": self.requests,
            "added": sum(one.added for one in self.lists),
            "only_here": self.only_here,
        }


def reconcile_lists(
    settings: Settings,
    engine: Engine,
    *,
    now: datetime,
    sleep: Callable[[float], None] = time.sleep,
    progress: Callable[[str], None] = lambda line: None,
) -> Reconciled:
    """Read every list from where the last call was broken off, else from the start.

    Raises:
        MillstreamError: there is no key, it may not read the lists, or SendGrid did not answer; what was read
            before stays, and the next call goes on there.
    """
    if settings.sendgrid_api_key is None:
        raise MillstreamError(
            "no SendGrid key is set. Nothing was changed. Put SENDGRID_API_KEY (a key that may read suppressions) "
            "into the environment or .env."
        )
    import httpx  # Late: only this needs it.

    result = Reconciled()
    begin, offset = _place(engine, now)
    seen: set[str] = set()
    with httpx.Client(
        base_url=settings.sendgrid_api_base,
        headers={"Authorization": f"Bearer {settings.sendgrid_api_key.get_secret_value()}"},
        timeout=TIMEOUT,
    ) as client:
        asking = _Asking(client, sleep)
        for number, (name, one) in enumerate(_LISTS.items()):
            if number < begin:
                continue
            compared = Compared(name)
            result.lists.append(compared)
            place = offset if number == begin else 0
            while True:
                rows = asking.page(one, place)
                place += len(rows)
                is_last = not one.has_pages or len(rows) < PAGE
                following = (number + 1, 0) if is_last else (number, place)
                with writing(engine) as connection:
                    seen |= _take(connection, one, rows, compared, now)
                    _note_place(connection, following, now)
                if is_last:
                    break
            progress(f"{name}: {compared.theirs:,} at SendGrid, {compared.added:,} new here")
    with writing(engine) as connection:
        connection.execute(delete(cursors).where(cursors.c.name == _PLACE))
        if (begin, offset) == (0, 0):
            result.only_here = _only_here(connection, seen)
    result.requests = asking.requests
    return result


def _take(connection: Connection, one: _List, rows: list[Any], compared: Compared, now: datetime) -> set[str]:
    """Add what a page tells and we lack; the address keys on it."""
    seen: set[str] = set()
    before = _count(connection)
    for row in rows:
        compared.theirs += 1
        try:
            email, created = str(row["email"]), int(row.get("created", row.get("created_at")))
            key, at = address_key(email), datetime.fromtimestamp(min(max(created, 0), _FAR), UTC)
        except (InvalidAddressError, KeyError, TypeError, ValueError, AttributeError):
            compared.bad += 1
            continue
        seen.add(key)
        if one.has_pages and one.reason is not None:
            suppress(connection, key, reason=one.reason, source=SOURCE, now=now)
        elif one.reason is not None:
            choose_group(connection, key, str(int(row.get("group_id", 0))), leaves=True, at=at, now=now)
    compared.added += _count(connection) - before
    return seen


def _count(connection: Connection) -> int:
    from sqlalchemy import func

    return int(connection.scalar(select(func.count()).select_from(suppressions)) or 0)


def _only_here(connection: Connection, seen: set[str]) -> int:
    ours: set[str] = set(connection.scalars(select(suppressions.c.address_key).where(suppressions.c.source == SOURCE)))
    return len(ours - set(hidden_keys(connection, seen).values()))


def _place(engine: Engine, now: datetime) -> tuple[int, int]:
    """List and offset at which to begin; what is older than a night begins anew."""
    with reading(engine) as connection:
        row = connection.execute(select(cursors).where(cursors.c.name == _PLACE)).first()
    if row is None or now - row.updated_at > _STALE:
        return 0, 0
    number, offset = json.loads(row.value)
    # A list that lost entries meanwhile has moved up: the page before is read once more.
    return int(number), max(0, int(offset) - PAGE)


def _note_place(connection: Connection, place: tuple[int, int], now: datetime) -> None:
    connection.execute(delete(cursors).where(cursors.c.name == _PLACE))
    connection.execute(insert(cursors).values(name=_PLACE, value=json.dumps(place), updated_at=now))


class _Asking:
    """Asks one page after the other, as fast as SendGrid lets us."""

    def __init__(self, client: httpx.Client, sleep: Callable[[float], None]) -> None:
        self._client, self._sleep = client, sleep
        self.requests = 0

    def page(self, one: _List, offset: int) -> list[Any]:
        """The rows of one page.

        Raises:
            MillstreamError: SendGrid refuses, or gives no answer that can be read.
        """
        import httpx

        parameters = {"limit": PAGE, "offset": offset} if one.has_pages else {}
        for attempt in range(ATTEMPTS):
            self.requests += 1
            try:
                answer = self._client.get(one.path, params=parameters)
            except httpx.HTTPError:
                self._sleep(min(2.0**attempt, LONGEST_PAUSE))
                continue
            if answer.status_code in (401, 403):
                raise MillstreamError(
                    f"SendGrid's key may not read {one.path} ({answer.status_code}). What was read before stays. "
                    "Give the key the right to read suppressions and unsubscribe groups, then run again."
                )
            if answer.status_code == 200:
                rows = _rows(answer)
                if rows is not None:
                    self._rest(answer, only_when_empty=True)
                    return rows
                self._sleep(min(2.0**attempt, LONGEST_PAUSE))
            elif answer.status_code == 429:
                self._rest(answer, only_when_empty=False)
            elif answer.status_code < 500:
                raise MillstreamError(
                    f"SendGrid answers {answer.status_code} to {one.path}. What was read before stays."
                )
            else:
                self._sleep(min(2.0**attempt, LONGEST_PAUSE))
        raise MillstreamError(
            f"SendGrid did not answer to {one.path} after {ATTEMPTS} attempts. What was read before stays; run again, "
            "and it goes on there."
        )

    def _rest(self, answer: httpx.Response, *, only_when_empty: bool) -> None:
        """Wait for the next round of SendGrid's limit, where this one is used up."""
        if only_when_empty and answer.headers.get("x-ratelimit-remaining") != "0":
            return
        try:
            pause = float(answer.headers["x-ratelimit-reset"]) - time.time()
        except (KeyError, ValueError):
            pause = 1.0 if only_when_empty else 10.0
        self._sleep(min(max(pause, 0.1), LONGEST_PAUSE))


def _rows(answer: httpx.Response) -> list[Any] | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, list) else None
