"""Sources of events and their write keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipelines.state.tables import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "event_sources",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_event_sources")),
    )
    op.create_table(
        "write_keys",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("ending", sa.String(length=4), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["event_sources.name"], name=op.f("fk_write_keys_source")),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_write_keys")),
    )
    op.create_index(op.f("ix_write_keys_source"), "write_keys", ["source"], unique=False)
