"""What the gateway received, in front of the readers soon: load it, fetch what it speaks of, build, publish.

Crash between any two steps: what was loaded stays loaded, readers keep the snapshot before, and the next
call or the hourly run publishes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pipelines import events, stripe
from pipelines.delivery import feedback
from pipelines.errors import MillstreamError
from pipelines.landing import Landing
from pipelines.operations.build import Select, build
from pipelines.settings import Settings
from pipelines.warehouse import SnapshotReader, Warehouse
from pipelines.warehouse.manifest import current_manifest
from pipelines.warehouse.writer import Connection

LEFT = timedelta(minutes=5)
"""How long what is sealed may be on its way into a snapshot before it counts as left over."""


def take_received(settings: Settings, *, now: datetime, progress: Callable[[str], None] = lambda line: None) -> int:
    """Load what was landed and not loaded yet, and publish; returns the snapshot's number.

    Events alone touch the models about behaviour and ask Stripe nothing. After Stripe's own deliveries Stripe
    is asked what changed, and all models are built.

    Raises:
        MillstreamError: a check or a model failed, and the snapshot before stays published; or Stripe could
            not be asked, and the events are published all the same.
        BusyError: another process writes; what was received waits in the landing zone.
    """
    # Held from the load to the publish: whoever came between would leave loaded deliveries that nobody asks about.
    with Warehouse(settings).hold("taking what was received"):
        with Warehouse(settings).write("loading what was received") as connection:
            # A delivery that comes between the two is sealed by the second and no input of it: it is left over.
            deliveries = stripe.load_landed(connection, settings, now=now).read
            events.load_landed(connection, settings, now=now)
            # Their models wait for the next run; whom they forbid to mail must not.
            feedback.load_landed(connection, settings, now=now)
            select: Select = "all" if deliveries or _is_unpublished(connection, settings) else "events"
        if select == "all" and settings.stripe_api_key is not None:
            try:
                stripe.sync_accounts(settings, settings.stripe_accounts, now=now, progress=progress)
            except MillstreamError:
                build(settings, select="events", now=now, progress=progress)
                raise
        return build(settings, select=select, now=now, progress=progress)


def _is_unpublished(connection: Connection, settings: Settings) -> bool:
    """Whether Stripe's objects were loaded after the last publish: a call before this one did not get so far."""
    published = current_manifest(settings.published_dir)
    (newest,) = connection.execute("select max(loaded_at) from raw_stripe.loads").fetchall()[0]
    return newest is not None and (published is None or newest.replace(tzinfo=UTC) > published.published_at)


def left_over(settings: Settings, *, now: datetime) -> str | None:
    """An input of the gateway that is sealed for minutes and not in the newest snapshot; None where there is none.

    Others than this room's calls seal it, too: the gateway when it starts, a load of another source.
    """
    snapshot = SnapshotReader(settings.published_dir).current()
    loads = snapshot.manifest.tables.get("health.loads") if snapshot else None
    if snapshot is None or loads is None or "input_id" not in loads.columns:
        return None
    known = set(snapshot.query("select input_id from health.loads")["input_id"])
    for source in ("events", "stripe"):
        for segment in Landing(settings.landing_dir).segments(source):
            if "journal" in segment.options and segment.received_at < now - LEFT and segment.input_id not in known:
                return segment.input_id
    return None
