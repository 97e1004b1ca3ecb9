"""The suites: one per landed table, each expectation a row of data.

A suite names the query that makes its frame (bounded: the newest rows), so that checking costs the
same however large the table grows. Uniqueness over all history is held by the loaders' keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

ROWS = 50_000


@dataclass(frozen=True)
class Expectation:
    """One expectation: its name here, Great Expectations' class and what that class takes."""

    name: str
    kind: str
    arguments: dict[str, object]
    severity: Literal["error", "warn"] = "error"


@dataclass(frozen=True)
class Suite:
    """The expectations of one landed table over the frame that `query` makes."""

    table: str
    query: str
    expectations: tuple[Expectation, ...] = field(default_factory=tuple)


def _present(column: str) -> Expectation:
    return Expectation(f"{column}_is_present", "ExpectColumnValuesToNotBeNull", {"column": column})


def _unique(column: str) -> Expectation:
    return Expectation(f"{column}_is_unique", "ExpectColumnValuesToBeUnique", {"column": column})


def _matches(column: str, regex: str) -> Expectation:
    return Expectation(f"{column}_has_its_form", "ExpectColumnValuesToMatchRegex", {"column": column, "regex": regex})


def _between(column: str, low: int, high: int | None) -> Expectation:
    return Expectation(
        f"{column}_is_in_range",
        "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": low, **({"max_value": high} if high is not None else {})},
    )


def _stripe(table: str, columns: dict[str, str], *expectations: Expectation) -> Suite:
    """A suite over a Stripe table: `columns` are the payload's values that its expectations need."""
    picked = "".join(f", {sql} as {name}" for name, sql in columns.items())
    return Suite(
        table=f"raw_stripe.{table}",
        query=(
            f"select account || '/' || livemode || '/' || id as key, id{picked} "
            f"from raw_stripe.{table} where not is_deleted order by version_at desc, id limit {ROWS}"
        ),
        expectations=(_present("id"), _unique("key"), *expectations),
    )


_CREATED = "try_cast(json_extract_string(payload, '/created') as bigint)"
_CURRENCY = "json_extract_string(payload, '/currency')"
_AMOUNT = "try_cast(json_extract_string(payload, '/amount') as bigint)"
# 2011-01-01: Stripe opened to its first users that year.
_OPENED = 1_293_840_000

SUITES: tuple[Suite, ...] = (
    _stripe("customers", {"created": _CREATED}, replace(_between("created", _OPENED, None), severity="warn")),
    _stripe("prices", {"currency": _CURRENCY}, _matches("currency", "^[a-z]{3}$")),
    _stripe(
        "subscriptions",
        {
            "customer": "json_extract_string(payload, '/customer')",
            "status": "json_extract_string(payload, '/status')",
        },
        _present("customer"),
        Expectation(
            "status_is_known",
            "ExpectColumnValuesToBeInSet",
            {
                "column": "status",
                "value_set": [
                    "active",
                    "canceled",
                    "incomplete",
                    "incomplete_expired",
                    "past_due",
                    "paused",
                    "trialing",
                    "unpaid",
                ],
            },
            severity="warn",
        ),
    ),
    _stripe(
        "invoices",
        {"currency": _CURRENCY, "amount_paid": "try_cast(json_extract_string(payload, '/amount_paid') as bigint)"},
        _matches("currency", "^[a-z]{3}$"),
        _between("amount_paid", 0, None),
    ),
    _stripe(
        "charges",
        {"amount": _AMOUNT, "currency": _CURRENCY, "created": _CREATED},
        _between("amount", 0, None),
        _matches("currency", "^[a-z]{3}$"),
        replace(_between("created", _OPENED, None), severity="warn"),
    ),
    _stripe(
        "refunds",
        {
            "amount": _AMOUNT,
            "charge": "coalesce(json_extract_string(payload, '/charge'), "
            "json_extract_string(payload, '/payment_intent'))",
        },
        _between("amount", 0, None),
        replace(_present("charge"), severity="warn"),
    ),
    _stripe(
        "balance_transactions",
        {"currency": _CURRENCY, "net": "try_cast(json_extract_string(payload, '/net') as bigint)"},
        _matches("currency", "^[a-z]{3}$"),
        _present("net"),
    ),
    Suite(
        table="raw_events.events",
        query=(
            "select event_id, event, visitor_key, year(event_at) as year from raw_events.lake_events "
            f"order by received_at desc, event_id limit {ROWS}"
        ),
        expectations=(
            _present("event_id"),
            _unique("event_id"),
            _present("event"),
            _present("visitor_key"),
            # A clock that is far off is worth a look; it must not keep the other rows from being published.
            replace(_between("year", 1995, 2100), severity="warn"),
        ),
    ),
)
