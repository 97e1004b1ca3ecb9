"""The state store: what can not be recomputed (campaigns, recipients, consent, cursors, audit).

SQLite in the data folder by default (WAL, synchronous=FULL), any SQLAlchemy URL by setting; the
same tables and the same migrations for both. A commit that returned survives a power cut. Rooms
above use `reading` and `writing`, never an engine of their own.

`open_state(settings)` gives the engine, brought up to the newest migration; `secret_key` the secret that hides
and signs what leaves it; `putting_aside` keeps many rows at hand for a transaction that has not begun.
"""

from pipelines.state.among import among
from pipelines.state.aside import Aside, putting_aside
from pipelines.state.audit import record
from pipelines.state.engine import open_state, reading, writing
from pipelines.state.secret import secret_key
from pipelines.state.tables import metadata

__all__ = ["Aside", "among", "metadata", "open_state", "putting_aside", "reading", "record", "secret_key", "writing"]
