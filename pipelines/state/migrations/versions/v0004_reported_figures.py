"""Figures as they were reported, and what restated them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipelines.state.tables import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "reports",
        sa.Column("report_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("snapshot", sa.Integer(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_reports")),
    )
    amounts = ("mrr", "new", "expansion", "contraction", "churn", "reactivation")
    op.create_table(
        "reported_figures",
        *_of_account(),
        sa.Column("currency", sa.String(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("report_id", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(f"{name}_minor", sa.BigInteger(), nullable=False) for name in amounts),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name=op.f("fk_reported_figures_report_id")),
        sa.PrimaryKeyConstraint("profile", "account", "currency", "day", "report_id", name=op.f("pk_reported_figures")),
    )
    op.create_table(
        "restatements",
        sa.Column("report_id", sa.Integer(), autoincrement=False, nullable=False),
        *_of_account(),
        sa.Column("customer_id", sa.String(length=100), nullable=False),
        sa.Column("currency", sa.String(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("difference_minor", sa.BigInteger(), nullable=False),
        sa.Column("causes", sa.Text(), nullable=False),
        sa.Column("objects", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name=op.f("fk_restatements_report_id")),
        sa.PrimaryKeyConstraint(
            "report_id", "profile", "account", "customer_id", "currency", "day", name=op.f("pk_restatements")
        ),
    )


def _of_account() -> list[sa.Column[str]]:
    return [
        sa.Column("profile", sa.String(length=100), nullable=False),
        sa.Column("account", sa.String(length=100), nullable=False),
    ]
