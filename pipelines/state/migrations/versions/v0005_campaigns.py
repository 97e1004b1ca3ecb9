"""Campaigns that recur, wait and offer: occurrences, journeys, offers, the provider's events, consent as told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipelines.state.tables import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create five tables and give campaigns and recipients what they need to know of them."""
    _occurrences()
    _journeys()
    _offers()
    _mail_events()
    _consent_events()
    op.add_column("campaigns", sa.Column("bodies", sa.Text(), server_default="{}", nullable=False))
    op.add_column("campaigns", sa.Column("saved_by", sa.String(length=200), nullable=True))
    op.add_column("recipients", sa.Column("step", sa.String(length=40), server_default="", nullable=False))
    op.add_column("recipients", sa.Column("timezone", sa.String(length=64), nullable=True))
    op.add_column("recipients", sa.Column("not_after", UtcDateTime(), nullable=True))
    op.add_column("recipients", sa.Column("status", sa.Integer(), nullable=True))


def _occurrences() -> None:
    op.create_table(
        "occurrences",
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("occurrence", sa.String(length=40), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("snapshot", sa.Integer(), nullable=True),
        sa.Column("planned_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        _of_campaign("occurrences"),
        sa.PrimaryKeyConstraint("campaign", "occurrence", name=op.f("pk_occurrences")),
    )
    op.create_index(op.f("ix_occurrences_state_due_at"), "occurrences", ["state", "due_at"])


def _journeys() -> None:
    op.create_table(
        "journeys",
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.String(length=200), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        _of_campaign("journeys"),
        sa.PrimaryKeyConstraint("campaign", "person_id", "entered_at", name=op.f("pk_journeys")),
    )
    op.create_index(op.f("ix_journeys_state_due_at"), "journeys", ["state", "due_at"])


def _offers() -> None:
    op.create_table(
        "offers",
        sa.Column("dedupe_key", sa.String(length=64), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("stripe_coupon_id", sa.String(length=100), nullable=True),
        sa.Column("stripe_code_id", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        _of_campaign("offers"),
        sa.PrimaryKeyConstraint("dedupe_key", name=op.f("pk_offers")),
    )
    op.create_index(op.f("ix_offers_campaign_state"), "offers", ["campaign", "state"])
    op.create_index(op.f("ix_offers_code"), "offers", ["code"])


def _mail_events() -> None:
    op.create_table(
        "mail_events",
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("dedupe_key", sa.String(length=64), nullable=True),
        sa.Column("campaign", sa.String(length=100), nullable=True),
        sa.Column("occurrence", sa.String(length=40), nullable=True),
        sa.Column("address_key", sa.String(length=64), nullable=True),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("is_machine", sa.Boolean(), nullable=False),
        sa.Column("event_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_mail_events")),
    )
    op.create_index(op.f("ix_mail_events_dedupe_key"), "mail_events", ["dedupe_key"])
    op.create_index(op.f("ix_mail_events_campaign_event"), "mail_events", ["campaign", "event"])


def _consent_events() -> None:
    op.create_table(
        "consent_events",
        sa.Column("entry_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_consent_events")),
    )
    op.create_index(op.f("ix_consent_events_address_key_purpose"), "consent_events", ["address_key", "purpose"])


def _of_campaign(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["campaign"], ["campaigns.name"], name=op.f(f"fk_{table}_campaign"))
