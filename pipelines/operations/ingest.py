"""What every run does before the models: the tables in place, the inbox read, the state copied."""

from __future__ import annotations

from datetime import datetime

from pipelines.delivery import feedback
from pipelines.events import file_format, ingest_files, load_landed, prepare_events
from pipelines.landing.summary import LoadSummary
from pipelines.operations.address_keys import key_addresses, suppressed_people
from pipelines.rates import prepare_rates
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.stripe import prepare_stripe
from pipelines.warehouse import Warehouse, copy_state


def prepare_warehouse(settings: Settings, *, purpose: str) -> None:
    """Put every source table in place, so that models build before the first row arrived; copy the state.

    Comes after what was landed is loaded: addresses are keyed as they stand in the tables.
    """
    with Warehouse(settings).write(purpose) as connection:
        prepare_stripe(connection)
        prepare_events(connection, settings)
        feedback.prepare_email(connection)
        prepare_rates(connection)
        key_addresses(connection)
        state = open_state(settings)
        copy_state(connection, state, suppressed_people(connection, state))


def ingest_inbox(settings: Settings, *, now: datetime) -> LoadSummary:
    """Load the event files that lie in the inbox, and whatever was landed and not loaded yet.

    Files stay where they are: the landing zone has its copy, and a known file costs one read.
    """
    settings.inbox_dir.mkdir(parents=True, exist_ok=True)
    # What is no event file (.DS_Store, a half-copied .part) is left alone: nobody watches this run.
    files = sorted(path for path in settings.inbox_dir.rglob("*") if path.is_file() and file_format(path))
    if files:
        return ingest_files(settings, [str(path) for path in files], now=now)
    with Warehouse(settings).write("loading landed events") as connection:
        return load_landed(connection, settings, now=now)
