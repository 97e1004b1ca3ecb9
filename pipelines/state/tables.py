"""The tables of the state store, as SQLAlchemy Core sees them.

The migrations create them; a test keeps both equal. Times are stored in UTC and come back aware.
An address is stored where mail must go out (`recipients.address`); everywhere else only its key
stands (`address_key`), so that an erased person stays recognisable without being known.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: stored without a zone in UTC, handed out aware; a naive value is refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware moment into naive UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the stored moment its zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


consents = Table(
    "consents",
    metadata,
    Column("address_key", String(64), primary_key=True),
    Column("purpose", String(40), primary_key=True, default="marketing"),
    Column("granted_at", UtcDateTime, nullable=False),
    Column("source", String(200), nullable=False),
    Column("proof", Text, nullable=False, default=""),
    Column("withdrawn_at", UtcDateTime),
)

consent_events = Table(
    "consent_events",
    metadata,
    Column("entry_id", Integer, primary_key=True, autoincrement=True),
    Column("address_key", String(64), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("action", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("source", String(200), nullable=False),
    Column("proof", Text, nullable=False, default=""),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "address_key", "purpose"),
)

suppressions = Table(
    "suppressions",
    metadata,
    # Of whoever was suppressed since migration 0006 hidden by the secret (`pipelines.privacy.hiding`).
    Column("address_key", String(64), primary_key=True),
    Column("scope", String(40), primary_key=True, default="all"),
    Column("reason", String(40), nullable=False),
    Column("source", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("is_hidden", Boolean, nullable=False, server_default=false()),
)

segments = Table(
    "segments",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("document", Text, nullable=False),
    Column("document_hash", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

segment_memberships = Table(
    "segment_memberships",
    metadata,
    Column("segment", String(100), ForeignKey("segments.name"), primary_key=True),
    Column("person_id", String(200), primary_key=True),
    Column("entered_at", UtcDateTime, primary_key=True),
    Column("left_at", UtcDateTime),
    Index(None, "segment", "left_at"),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("document", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
    # Bodies beside the campaign's own, by the name of the variant or step that has one: {"html", "text"}.
    Column("bodies", Text, nullable=False, server_default="{}"),
    Column("content_hash", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text),
    Column("saved_by", String(200)),
    Column("approved_by", String(200)),
    Column("approved_at", UtcDateTime),
    Column("snapshot", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

occurrences = Table(
    "occurrences",
    metadata,
    Column("campaign", String(100), ForeignKey("campaigns.name"), primary_key=True),
    Column("occurrence", String(40), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", String(200)),
    Column("snapshot", Integer),
    Column("planned_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Index(None, "state", "due_at"),
)

journeys = Table(
    "journeys",
    metadata,
    Column("campaign", String(100), ForeignKey("campaigns.name"), primary_key=True),
    Column("person_id", String(200), primary_key=True),
    Column("entered_at", UtcDateTime, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("step", String(40), nullable=False),
    Column("due_at", UtcDateTime),
    Column("reason", String(200)),
    Column("ended_at", UtcDateTime),
    Index(None, "state", "due_at"),
)

recipients = Table(
    "recipients",
    metadata,
    Column("dedupe_key", String(64), primary_key=True),
    Column("campaign", String(100), ForeignKey("campaigns.name"), nullable=False),
    Column("occurrence", String(40), nullable=False),
    Column("person_id", String(200), nullable=False),
    Column("address", String(320)),
    Column("address_key", String(64)),
    Column("variables", Text, nullable=False, default="{}"),
    Column("variant", String(40), nullable=False, default=""),
    Column("step", String(40), nullable=False, server_default=""),
    Column("state", String(20), nullable=False),
    Column("reason", String(200)),
    Column("attempt", Integer, nullable=False, default=0),
    Column("owner", String(100)),
    Column("timezone", String(64)),
    Column("not_before", UtcDateTime),
    Column("not_after", UtcDateTime),
    Column("content_hash", String(64)),
    Column("status", Integer),
    Column("message_id", String(200)),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("in_flight_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Index(None, "campaign", "occurrence", "state"),
    Index(None, "address_key", "in_flight_at"),
)

offers = Table(
    "offers",
    metadata,
    Column("dedupe_key", String(64), primary_key=True),
    Column("campaign", String(100), ForeignKey("campaigns.name"), nullable=False),
    Column("code", String(100), nullable=False),
    Column("stripe_coupon_id", String(100)),
    Column("stripe_code_id", String(100)),
    Column("state", String(20), nullable=False),
    Column("reason", String(200)),
    Column("expires_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
    Index(None, "campaign", "state"),
    Index(None, "code"),
)

mail_events = Table(
    "mail_events",
    metadata,
    Column("event_id", String(200), primary_key=True),
    Column("dedupe_key", String(64)),
    Column("campaign", String(100)),
    Column("occurrence", String(40)),
    Column("address_key", String(64)),
    Column("event", String(40), nullable=False),
    Column("is_machine", Boolean, nullable=False),
    Column("event_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index(None, "dedupe_key"),
    Index(None, "campaign", "event"),
)

event_sources = Table(
    "event_sources",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)

write_keys = Table(
    "write_keys",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("source", String(100), ForeignKey("event_sources.name"), nullable=False),
    Column("ending", String(4), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Index(None, "source"),
)

users = Table(
    "users",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("password_hash", String(200)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user", String(100), ForeignKey("users.name"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("family", String(32), nullable=False),
    Column("label", String(100), nullable=False, default=""),
    Column("ending", String(4), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(None, "user"),
    Index(None, "family"),
    Index(None, "expires_at"),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("name_key", String(64), primary_key=True),
    Column("times", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Index(None, "last_at"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

builds = Table(
    "builds",
    metadata,
    Column("build_id", String(40), primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("outcome", String(20), nullable=False),
    Column("reason", Text),
    Column("snapshot", Integer),
)

reports = Table(
    "reports",
    metadata,
    Column("report_id", Integer, primary_key=True, autoincrement=True),
    Column("snapshot", Integer, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
)

reported_figures = Table(
    "reported_figures",
    metadata,
    Column("profile", String(100), primary_key=True),
    Column("account", String(100), primary_key=True),
    Column("currency", String(10), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("report_id", Integer, ForeignKey("reports.report_id"), primary_key=True, autoincrement=False),
    Column("mrr_minor", BigInteger, nullable=False),
    Column("new_minor", BigInteger, nullable=False),
    Column("expansion_minor", BigInteger, nullable=False),
    Column("contraction_minor", BigInteger, nullable=False),
    Column("churn_minor", BigInteger, nullable=False),
    Column("reactivation_minor", BigInteger, nullable=False),
    Column("customers", BigInteger, nullable=False),
)

restatements = Table(
    "restatements",
    metadata,
    Column("report_id", Integer, ForeignKey("reports.report_id"), primary_key=True, autoincrement=False),
    Column("profile", String(100), primary_key=True),
    Column("account", String(100), primary_key=True),
    Column("customer_id", String(100), primary_key=True),
    Column("currency", String(10), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("difference_minor", BigInteger, nullable=False),
    Column("causes", Text, nullable=False),
    Column("objects", Text, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("entry_id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(100), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("details", Text, nullable=False, default="{}"),
)
