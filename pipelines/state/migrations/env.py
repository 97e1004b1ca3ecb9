"""Alembic's entry: migrate over the connection that the caller holds, inside its transaction."""

from __future__ import annotations

from alembic import context

from pipelines.state.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
