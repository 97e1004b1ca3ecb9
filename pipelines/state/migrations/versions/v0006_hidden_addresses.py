"""Suppressions know whether their key is hidden by the secret; consent recorded so far stands in the ledger too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# `proof` and the rest as they are; when they were recorded nobody knows any more, so it is when they were given.
_TOLD = """
    insert into consent_events (address_key, channel, purpose, action, at, source, proof, recorded_at)
    select address_key, 'email', purpose, 'granted', granted_at, source, proof, granted_at
    from consents where withdrawn_at is null or granted_at <> withdrawn_at
"""
_TAKEN_BACK = """
    insert into consent_events (address_key, channel, purpose, action, at, source, proof, recorded_at)
    select address_key, 'email', purpose, 'withdrawn', withdrawn_at, 'unknown', '', withdrawn_at
    from consents where withdrawn_at is not null
"""


def upgrade() -> None:
    """Mark what is there as not hidden (no migration knows the secret); tell the ledger what was agreed to."""
    op.add_column("suppressions", sa.Column("is_hidden", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(_TOLD)
    op.execute(_TAKEN_BACK)
