"""The suites: one per landed table, each expectation a row of data.

A suite names the query that makes its frame (bounded: the newest rows), so that checking costs the
same however large the table grows; its column `key` is what a failing row is told by. Uniqueness over
all history is held by the loaders' keys. What models rely on is an error, the rest a warning.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from pipelines.stripe.catalogue import CHILD_KINDS
from pipelines.stripe.known_values import STATUSES

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


def _known(column: str, values: tuple[str, ...]) -> Expectation:
    """A value that we do not know is kept and warned of: Stripe adds values without notice."""
    arguments: dict[str, object] = {"column": column, "value_set": list(values)}
    return Expectation(f"{column}_is_known", "ExpectColumnValuesToBeInSet", arguments, severity="warn")


def _warn(expectation: Expectation) -> Expectation:
    return replace(expectation, severity="warn")


def _text(place: str) -> str:
    return f"json_extract_string(payload, '/{place}')"


def _whole(place: str) -> str:
    return f"try_cast(json_extract_string(payload, '/{place}') as bigint)"


def _stripe(table: str, columns: dict[str, str], *expectations: Expectation) -> Suite:
    """A suite over a Stripe table: `columns` are the payload's values that its expectations need."""
    if table in STATUSES:
        columns = {**columns, "status": _text("status")}
        expectations = (*expectations, _known("status", STATUSES[table]))
    picked = "".join(f", {sql} as {name}" for name, sql in columns.items())
    owner = " || coalesce(parent_id, '') || '/'" if table in _OWNED else ""
    return Suite(
        table=f"raw_stripe.{table}",
        query=(
            f"select concat(account, '/', livemode, '/'){owner} || id as key, id{picked} "
            f"from raw_stripe.{table} where not is_deleted order by version_at desc, id limit {ROWS}"
        ),
        expectations=(_present("id"), _unique("key"), *expectations),
    )


_OWNED = frozenset(child.table for child in CHILD_KINDS)
_CURRENCY = {"currency": _text("currency")}
_HAS_CURRENCY = _matches("currency", "^[a-z]{3}$")
_AMOUNT = {"amount": _whole("amount")}
_CREATED = {"created": _whole("created")}
# 2011-01-01: Stripe opened to its first users that year.
_IS_CREATED = _warn(_between("created", 1_293_840_000, None))

SUITES: tuple[Suite, ...] = (
    _stripe("customers", _CREATED, _IS_CREATED),
    _stripe("products", {"name": _text("name")}, _warn(_present("name"))),
    _stripe("prices", _CURRENCY, _HAS_CURRENCY),
    _stripe(
        "plans",
        _CURRENCY | {"interval": _text("interval")},
        _HAS_CURRENCY,
        _known("interval", ("day", "week", "month", "year")),
    ),
    _stripe(
        "coupons",
        {
            "percent_off": "try_cast(json_extract_string(payload, '/percent_off') as decimal(9, 6))::double",
            "off": f"coalesce({_text('percent_off')}, {_text('amount_off')})",
            "duration": _text("duration"),
        },
        _between("percent_off", 0, 100),
        _warn(_present("off")),
        _known("duration", ("forever", "once", "repeating")),
    ),
    _stripe("promotion_codes", {"code": _text("code")}, _warn(_present("code"))),
    _stripe("subscriptions", {"customer": _text("customer")}, _present("customer")),
    _stripe(
        "subscription_schedules", {"phases": "json_extract(payload, '/phases')::varchar"}, _warn(_present("phases"))
    ),
    _stripe(
        "invoices",
        _CURRENCY | {"amount_paid": _whole("amount_paid")},
        _HAS_CURRENCY,
        _between("amount_paid", 0, None),
    ),
    _stripe("invoice_lines", _CURRENCY | _AMOUNT, _HAS_CURRENCY, _present("amount")),
    _stripe("invoice_payments", {"invoice": _text("invoice")}, _warn(_present("invoice"))),
    _stripe("invoiceitems", _CURRENCY | _AMOUNT, _HAS_CURRENCY, _present("amount")),
    _stripe(
        "credit_notes",
        _CURRENCY | _AMOUNT | {"invoice": _text("invoice")},
        _HAS_CURRENCY,
        _between("amount", 0, None),
        _warn(_present("invoice")),
    ),
    _stripe("credit_note_lines", _AMOUNT, _warn(_present("amount"))),
    _stripe(
        "charges",
        _AMOUNT | _CURRENCY | _CREATED,
        _between("amount", 0, None),
        _HAS_CURRENCY,
        _IS_CREATED,
    ),
    _stripe("payment_intents", _AMOUNT | _CURRENCY, _between("amount", 0, None), _HAS_CURRENCY),
    _stripe(
        "refunds",
        _AMOUNT | {"charge": f"coalesce({_text('charge')}, {_text('payment_intent')})"},
        _between("amount", 0, None),
        _warn(_present("charge")),
    ),
    _stripe(
        "disputes",
        _AMOUNT | _CURRENCY | {"charge": _text("charge")},
        _between("amount", 0, None),
        _HAS_CURRENCY,
        _warn(_present("charge")),
    ),
    _stripe("balance_transactions", _CURRENCY | {"net": _whole("net")}, _HAS_CURRENCY, _present("net")),
    _stripe("payouts", _CURRENCY | _AMOUNT, _HAS_CURRENCY, _present("amount")),
    _stripe(
        "checkout_sessions",
        {"mode": _text("mode")},
        _known("mode", ("payment", "setup", "subscription")),
    ),
    # The time of an event is what its object's versions are ordered by.
    _stripe("events", {"year": "year(version_at)"}, _warn(_between("year", 2011, 2100))),
    Suite(
        table="raw_events.events",
        query=(
            "select event_id as key, event_id, event, visitor_key, year(event_at) as year from raw_events.lake_events "
            f"order by received_at desc, event_id limit {ROWS}"
        ),
        expectations=(
            _present("event_id"),
            _unique("event_id"),
            _present("event"),
            _present("visitor_key"),
            # A clock that is far off is worth a look; it must not keep the other rows from being published.
            _warn(_between("year", 1995, 2100)),
        ),
    ),
    Suite(
        table="raw_email.events",
        query=(
            "select event_id as key, event_id, event, event_at from raw_email.events "
            f"order by received_at desc, event_id limit {ROWS}"
        ),
        expectations=(
            _present("event_id"),
            _unique("event_id"),
            _present("event_at"),
            _known(
                "event",
                (
                    "bounce",
                    "click",
                    "deferred",
                    "delivered",
                    "dropped",
                    "group_resubscribe",
                    "group_unsubscribe",
                    "open",
                    "processed",
                    "spamreport",
                    "unsubscribe",
                ),
            ),
        ),
    ),
)
