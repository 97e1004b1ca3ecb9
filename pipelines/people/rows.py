"""How a row about a person leaves this room: its moments with their zone, its address masked or not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipelines.privacy import mask

Row = dict[str, Any]


def shown(row: Row, sees_addresses: bool) -> Row:
    """The row for somebody who may, or may not, see e-mail addresses."""
    zoned = {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
        for name, value in row.items()
    }
    return zoned if sees_addresses or "email" not in row else {**zoned, "email": mask(row["email"])}
