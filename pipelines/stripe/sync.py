"""Bring what changed at Stripe into the landing zone, then into the warehouse.

The first sync lists everything, the last 30 days first. Later ones read the events since the cursor
in windows of a day: they name the objects that changed, and those are fetched again, each once. Once
in 24 hours what may change without an event is listed again. Everything is landed before the
checkpoint that speaks of it is written, so a crash repeats at most one window, or one part of each
list that was being read, and loses nothing; what was landed and not loaded is loaded by the next
call, whatever it fetches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.errors import BusyError, MillstreamError
from pipelines.landing.summary import LoadSummary
from pipelines.settings import Settings
from pipelines.stripe.client import StripeApi
from pipelines.stripe.feed import Feed
from pipelines.stripe.load import load_landed
from pipelines.stripe.stored import StoredObjects
from pipelines.warehouse import Warehouse

Progress = Callable[[str], None]


@dataclass
class SyncSummary(LoadSummary):
    """What a sync loaded, and what it asked Stripe for."""

    requests: int = 0
    rate_limit_refusals: int = 0
    rate_limit_wait_seconds: float = 0.0
    """Summed over the workers that waited at the same time."""
    fetched: int = 0
    fetch_seconds: float = 0.0
    objects_per_second: float = 0.0

    def add(self, other: LoadSummary) -> None:
        """Add another account's sync."""
        super().add(other)
        self.seconds += other.seconds
        if isinstance(other, SyncSummary):
            for name in ("requests", "rate_limit_refusals", "rate_limit_wait_seconds", "fetched", "fetch_seconds"):
                setattr(self, name, getattr(self, name) + getattr(other, name))
            self.objects_per_second = self.fetched / max(self.fetch_seconds, 0.001)

    def document(self) -> dict[str, object]:
        """The JSON document of `ingest --json`."""
        rounded = {
            name: round(getattr(self, name), 3)
            for name in ("rate_limit_wait_seconds", "fetch_seconds", "objects_per_second")
        }
        return {**super().document(), **rounded}

    def cost(self) -> dict[str, int | float]:
        """What the sync asked of Stripe, for whoever keeps an eye on it."""
        return {
            "requests": self.requests,
            "rate_limit_refusals": self.rate_limit_refusals,
            "rate_limit_wait_seconds": round(self.rate_limit_wait_seconds, 3),
            "objects_fetched": self.fetched,
            "objects_per_second": round(self.objects_per_second, 1),
        }


def sync_accounts(
    settings: Settings,
    accounts: Sequence[str],
    *,
    full: bool = False,
    now: datetime,
    progress: Progress = lambda line: None,
) -> SyncSummary:
    """`sync` for each of these accounts, one after the other; one that fails does not hold up the rest.

    Raises:
        MillstreamError: an account could not be read; those that could are loaded.
        BusyError: another process writes.
    """
    summary = SyncSummary()
    failed: list[str] = []
    for account in accounts:
        if len(accounts) > 1:
            progress(f"stripe: account {account}")
        try:
            api = StripeApi(settings, account=account)
            summary.add(sync(settings, api, full=full, account=account, now=now, progress=progress))
        except BusyError:
            raise
        except MillstreamError as problem:
            if len(accounts) == 1:
                raise
            failed.append(f"{account}: {problem}")
    if failed:
        read = len(accounts) - len(failed)
        raise MillstreamError(f"{read} of {len(accounts)} Stripe accounts were read. " + " ".join(failed))
    return summary


def sync(
    settings: Settings,
    api: StripeApi,
    *,
    full: bool = False,
    account: str = "default",
    now: datetime,
    progress: Progress = lambda line: None,
) -> SyncSummary:
    """Fetch what changed (all with `full`, or when the cursor is too old), land and load it.

    Raises:
        MillstreamError: Stripe refused or did not answer; what was landed so far is loaded next time.
        BusyError: another process writes.
    """
    begin = time.monotonic()
    summary = SyncSummary()
    with Warehouse(settings).write("millstream ingest stripe") as connection:

        def load() -> None:
            summary.add(load_landed(connection, settings, now=now))

        def load_meanwhile() -> None:
            start = time.monotonic()
            load()
            summary.fetch_seconds -= time.monotonic() - start

        stored = StoredObjects(connection, account, api.mode)
        feed = Feed(settings, api, account=account, now=now, stored=stored, load=load_meanwhile, progress=progress)
        feed.run(full=full)
        summary.fetch_seconds += time.monotonic() - begin
        load()
    summary.requests, summary.fetched = api.requests, feed.fetched
    summary.rate_limit_refusals, summary.rate_limit_wait_seconds = api.refusals, api.limiter.waited
    summary.objects_per_second = feed.fetched / max(summary.fetch_seconds, 0.001)
    summary.seconds = time.monotonic() - begin
    progress(
        f"stripe: {summary.requests:,} requests, {summary.fetched:,} objects, "
        f"{summary.objects_per_second:,.0f} a second, {summary.rate_limit_wait_seconds:.1f} s waited for rate limits"
    )
    return summary
