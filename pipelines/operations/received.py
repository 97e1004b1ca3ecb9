"""What the gateway received, in front of the readers soon: load it, fetch what it speaks of, build, publish.

Crash between any two steps: what was loaded stays loaded, readers keep the snapshot before, and the next
call or the hourly run publishes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pipelines import events, stripe
from pipelines.errors import BusyError, MillstreamError
from pipelines.operations.build import build
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse


def take_received(settings: Settings, *, now: datetime, progress: Callable[[str], None] = lambda line: None) -> int:
    """Load what was landed and not loaded yet, and publish; returns the snapshot's number.

    Events alone touch the models about behaviour and ask Stripe nothing. After Stripe's own deliveries Stripe
    is asked what changed, and all models are built.

    Raises:
        MillstreamError: a check or a model failed, and the snapshot before stays published; or Stripe could
            not be asked, and the events are published all the same.
        BusyError: another process writes; what was received waits in the landing zone.
    """
    with Warehouse(settings).write("loading what was received") as connection:
        deliveries = stripe.load_landed(connection, settings, now=now).read
        events.load_landed(connection, settings, now=now)
    if not deliveries:
        return build(settings, select="events", now=now, progress=progress)
    if settings.stripe_api_key is not None:
        try:
            stripe.sync_accounts(settings, settings.stripe_accounts, now=now, progress=progress)
        except BusyError:
            raise
        except MillstreamError:
            build(settings, select="events", now=now, progress=progress)
            raise
    return build(settings, now=now, progress=progress)
