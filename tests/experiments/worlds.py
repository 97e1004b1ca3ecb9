"""Marts written by hand and published: who was in a campaign, what they paid, what they clicked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipelines.campaigns import CampaignDocument
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot, SnapshotReader, Warehouse, publish
from tests.segments.people import COLUMNS
from tests.segments.people import person as one_person

SENT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = SENT + timedelta(days=60)
"""When the snapshot was made: every time is over."""
_TABLES = {
    "fct_campaign_recipients": "recipient_id varchar, campaign varchar, occurrence varchar, person_id varchar, "
    "variant varchar, state varchar, reason varchar, is_drawn boolean, is_held_out boolean, counted_from timestamp, "
    "is_delivered boolean, is_opened boolean, is_clicked boolean, is_bounced boolean, is_complained boolean, "
    "is_unsubscribed boolean, dropped_at timestamp",
    "fct_stripe_facts": "person_id varchar, event varchar, event_at timestamp, fact_id varchar, customer_id varchar, "
    "invoice_id varchar, subscription_id varchar, currency varchar, amount_minor bigint",
    "fct_payments": "account varchar, payment_id varchar, charge_id varchar, kind varchar, person_id varchar, "
    "invoice_id varchar, currency varchar, amount_minor bigint, paid_at timestamp, paid_date date",
    "fct_invoices": "account varchar, invoice_id varchar, total_minor bigint, discount_minor bigint",
    "fct_events": "person_id varchar, event varchar, event_at timestamp, properties json",
    "fct_email_events": "person_id varchar, outcome varchar, campaign varchar, event_at timestamp, "
    "is_machine_open boolean",
    "exchange_rates": "currency varchar, rate_date date, units_per_eur decimal(18,9)",
    "currencies": "currency varchar, exponent integer",
}


class World:
    """Rows by mart, until they are published."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
        self.persons: list[dict[str, Any]] = []
        for currency, exponent in (("USD", 2), ("EUR", 2), ("JPY", 0)):
            self.rows["currencies"].append({"currency": currency, "exponent": exponent})
        self.rows["exchange_rates"].append(
            {"currency": "USD", "rate_date": date(2026, 1, 1), "units_per_eur": Decimal("1.25")}
        )

    def mail(
        self,
        people: Iterable[str],
        *,
        campaign: str = "launch",
        occurrence: str = "once",
        held_out: Iterable[str] = (),
        variant: str | None = None,
        at: datetime = SENT,
        **more: Any,
    ) -> None:
        """Put people into a campaign: mailed, or held out."""
        for person, is_held_out in [*((one, False) for one in people), *((one, True) for one in held_out)]:
            row = {
                "recipient_id": f"{campaign}|{occurrence}|{person}", "campaign": campaign, "occurrence": occurrence,
                "person_id": person, "variant": variant, "is_drawn": True, "is_held_out": is_held_out,
                "state": "holdout" if is_held_out else "accepted", "counted_from": _naive(at),
            }  # fmt: skip
            self.rows["fct_campaign_recipients"].append({**row, **more})

    def pay(
        self,
        person: str,
        amount: int,
        *,
        at: datetime = SENT + timedelta(days=1),
        currency: str = "USD",
        discount: int = 0,
        refund: int = 0,
        dispute: int = 0,
        refunded_at: datetime | None = None,
    ) -> None:
        """An invoice that was paid in one go, what discounts took off it, and what of it went back later."""
        number = len(self.rows["fct_payments"])
        invoice, charge = f"in_{number}", f"ch_{number}"
        money = {"account": "default", "person_id": person, "invoice_id": invoice, "currency": currency}
        for kind, moved, moment in (
            ("charge", amount, at),
            ("refund", -refund, refunded_at or at + timedelta(days=30)),
            ("dispute", -dispute, at + timedelta(days=20)),
        ):
            if moved:
                payment = charge if kind == "charge" else f"{kind}_{number}"
                self.rows["fct_payments"].append(
                    {**money, "payment_id": payment, "charge_id": charge, "kind": kind, "amount_minor": moved,
                     "paid_at": _naive(moment), "paid_date": moment.date()}
                )  # fmt: skip
        self.rows["fct_invoices"].append(
            {"account": "default", "invoice_id": invoice, "total_minor": amount, "discount_minor": discount}
        )
        self.rows["fct_stripe_facts"].append(
            {"person_id": person, "event": "stripe:invoice_paid", "event_at": _naive(at), "fact_id": invoice,
             "invoice_id": invoice, "currency": currency, "amount_minor": amount}
        )  # fmt: skip

    def people(self, ids: Iterable[str]) -> None:
        """People with an address of their own, known since long."""
        for one in ids:
            since = _naive(SENT - timedelta(days=400))
            self.persons.append(one_person(0, person_id=one, email=f"{one}@example.com", first_seen_at=since))

    def click(self, person: str, campaign: str, at: datetime) -> None:
        """A click on a campaign's link."""
        told = {"person_id": person, "outcome": "clicked", "campaign": campaign, "event_at": _naive(at)}
        self.rows["fct_email_events"].append(told)

    def publish(self, settings: Settings, as_of: datetime = LATER) -> Snapshot:
        """Write the marts and open the snapshot."""
        with Warehouse(settings).write("test") as connection:
            for name, columns in _TABLES.items():
                connection.execute(f"create or replace table marts.{name} ({columns})")
                names = [column.split()[0] for column in columns.split(", ")]
                _insert(connection, f"marts.{name}", [[row.get(one) for one in names] for row in self.rows[name]])
            columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
            connection.execute(f"create or replace table marts.dim_customers ({columns})")
            _insert(connection, "marts.dim_customers", [[row[name] for name in COLUMNS] for row in self.persons])
            publish(connection, settings, as_of=as_of, now=as_of)
        snapshot = SnapshotReader(settings.published_dir).current()
        assert snapshot is not None
        return snapshot


def people(prefix: str, count: int) -> list[str]:
    """So many ids."""
    return [f"{prefix}{number:04d}" for number in range(count)]


def document(**changes: Any) -> CampaignDocument:
    """A campaign with a holdout of half."""
    plain = {"name": "launch", "segment": "everybody", "subject": "Hi", "html": "x", "holdout": 0.5,
             "goal": {"event": "stripe:invoice_paid", "within": "14d"}}  # fmt: skip
    return CampaignDocument.model_validate({**plain, **changes})


def _insert(connection: Any, table: str, rows: Sequence[Sequence[Any]]) -> None:
    # One statement with all rows: row by row costs a millisecond each.
    for start in range(0, len(rows), 1_000):
        some = rows[start : start + 1_000]
        line = f"({', '.join('?' for _ in some[0])})"
        connection.execute(
            f"insert into {table} values {', '.join([line] * len(some))}", [value for row in some for value in row]
        )


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
