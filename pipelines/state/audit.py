"""The audit log: who did what to which thing, and when. Written by every room, edited by none."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, insert

from pipelines.state.tables import audit_log


def record(
    connection: Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    details: dict[str, object] | None = None,
) -> None:
    """Write one entry in the caller's transaction. `details` holds no personal data and no secrets."""
    connection.execute(
        insert(audit_log).values(
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            details=json.dumps(details or {}, sort_keys=True),
        )
    )
