"""What a rule and a mail may say about a person: the columns of the mart `dim_customers`.

A rule may only name columns that the snapshot has. Amounts are offered in major units under the
name without `_minor`; the table of decimals is Stripe's (ISK and UGX are divided by 100).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


Kind: TypeAlias = Literal["text", "number", "flag", "moment", "list", "money"]

MART = "marts.dim_customers"
MONEY = {"mrr": ("mrr_minor", "mrr_currency"), "lifetime_value": ("lifetime_value_minor", "currency")}
"""Amounts in major units: the columns of the amount and of its currency."""

TRAITS: dict[str, str] = {
    "person_id": "the user id, else a hash of the address, else the Stripe customer",
    "user_id": "your own user id",
    "email": "address, lower case",
    "first_name": "first name",
    "name": "full name",
    "country": "two-letter code",
    "subscription_status": "active, past_due, trialing, paused, unpaid or canceled",
    "plan": "plan with the highest MRR",
    "mrr": "MRR now, in major units of its currency",
    "mrr_minor": "MRR now, in the smallest unit of mrr_currency",
    "mrr_currency": "currency of the MRR",
    "currency": "currency paid in most often",
    "lifetime_value": "paid less refunded, in major units of `currency`",
    "lifetime_value_minor": "paid less refunded, in the smallest unit of `currency`",
    "payments_count": "payments that succeeded",
    "event_count": "events known of this person",
    "has_consent": "whether consent to marketing mail is recorded",
    "is_guest": "bought without an account",
    "first_seen_at": "first trace of the person, UTC",
    "last_seen_at": "latest trace of the person, UTC",
    "customer_since": "first payment, UTC",
}
"""The documented traits, each with its meaning; mails may use them as variables."""


class Field(NamedTuple):
    """One thing that a rule may ask about."""

    name: str
    kind: Kind
    meaning: str


def snapshot_fields(snapshot: Snapshot) -> dict[str, Field]:
    """What the people of this snapshot have, by name; empty where the mart is not published yet."""
    if not snapshot.has(MART):
        return {}
    cursor = snapshot.cursor()
    try:
        columns = {str(row[0]): str(row[1]) for row in cursor.execute(f"describe {MART}").fetchall()}
    finally:
        cursor.close()
    kinds: dict[str, Kind] = {name: kind for name, type_ in columns.items() if (kind := _kind(type_))}
    kinds |= {name: "money" for name, parts in MONEY.items() if set(parts) <= set(columns)}
    return {name: Field(name, kind, TRAITS.get(name, "")) for name, kind in sorted(kinds.items())}


def _kind(type_: str) -> Kind | None:
    if type_.endswith("[]"):
        return "list"
    if type_ in ("VARCHAR", "JSON"):
        return "text"
    if type_ == "BOOLEAN":
        return "flag"
    if type_.startswith(("TIMESTAMP", "DATE")):
        return "moment"
    numeric = (
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UBIGINT",
        "UINTEGER",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
    )
    return "number" if type_.startswith(numeric) else None
