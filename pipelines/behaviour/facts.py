"""What Stripe and the mailer tell, as rows of the same shape as events: steps may stand on them.

A fact is named `stripe:...` or `email:...` and bears the person of the marts, so a funnel may lead from
a page that was seen to an invoice that was paid. Only published data knows facts; event files do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipelines.errors import MillstreamError, UsageError
from pipelines.warehouse.writer import Connection

PREFIXES = ("stripe:", "email:")
STRIPE = (
    "stripe:invoice_paid",
    "stripe:payment_succeeded",
    "stripe:payment_failed",
    "stripe:refund",
    "stripe:subscription_started",
    "stripe:subscription_ended",
)
"""The events of `fct_stripe_facts`."""
REVENUE = ("stripe:invoice_paid", "stripe:payment_succeeded", "stripe:refund")
"""Facts whose amount is revenue: what was paid, and less what was given back."""
AMOUNT = "amount_minor"
AMOUNTS = (*REVENUE, "stripe:payment_failed")
"""Facts that bear an amount, each in a currency of its own."""
EMAIL = {
    "email:processed": "processed",
    "email:delivered": "delivered",
    "email:deferred": "deferred",
    "email:bounce": "bounced",
    "email:dropped": "dropped",
    "email:open": "opened",
    "email:click": "clicked",
    "email:spamreport": "complained",
    "email:unsubscribe": "unsubscribed",
}
"""What the mailer tells, and what `fct_email_events.outcome` calls it."""
FACT_PROPERTIES = {
    **dict.fromkeys(STRIPE, ("amount_minor", "currency", "customer_id", "invoice_id", "subscription_id")),
    **dict.fromkeys(EMAIL, ("campaign", "url", "reason", "bounce_type")),
}
"""What conditions and breakdowns may ask of a fact."""
PUBLISHED = "marts.fct_events"
COLUMNS = "person_id, event, event_at, properties, event_id, amount_minor, currency"
"""What a source of events and facts has."""
_STRIPE_SQL = """
    select
        person_id, event, event_at,
        json_object(
            'customer_id', customer_id, 'invoice_id', invoice_id, 'subscription_id', subscription_id,
            'amount_minor', amount_minor, 'currency', currency
        ) as properties,
        fact_id as event_id, amount_minor, currency
    from marts.fct_stripe_facts
    where event in (select unnest($facts))
"""
# A machine opens mails too; that is nobody's doing (as in segments).
_EMAIL_SQL = """
    select
        person_id, told.event, event_at,
        json_object('campaign', campaign, 'url', url, 'reason', reason, 'bounce_type', bounce_type) as properties,
        event_id, null::bigint as amount_minor, null::varchar as currency
    from marts.fct_email_events as mails
    inner join (select unnest($told) as outcome, unnest($mails) as event) as told using (outcome)
    where told.event in (select unnest($facts)) and not (told.event = 'email:open' and coalesce(is_machine_open, false))
"""


def is_fact(event: str | None) -> bool:
    """Whether the name is one of a fact, known or not."""
    return event is not None and event.startswith(PREFIXES)


def facts_in(events: Iterable[str | None]) -> list[str]:
    """Those of the names that are facts'."""
    return [event for event in events if event is not None and is_fact(event)]


def check_name(event: str) -> str:
    """The name of an event, or of a fact that there is.

    Raises:
        ValueError: it is named like a fact and is none.
    """
    if is_fact(event) and event not in (*STRIPE, *EMAIL):
        raise ValueError(f"there is no fact {event!r}; known are {', '.join((*STRIPE, *EMAIL))}")
    return event


def facts_sql(connection: Connection, relation: str, names: Iterable[str]) -> tuple[list[str], dict[str, object]]:
    """Selects of the facts that these names need, each with `COLUMNS`, and the values that they bind.

    Raises:
        UsageError: the events come from files, which tell no facts.
        MillstreamError: the mart of such a fact is not published.
    """
    wanted = sorted(set(names))
    if not wanted:
        return [], {}
    if relation != PUBLISHED:
        raise UsageError(f"query: {wanted[0]} is told by the published data; ask it without --events")
    marts = {"stripe:": ("fct_stripe_facts", _STRIPE_SQL), "email:": ("fct_email_events", _EMAIL_SQL)}
    found: list[str] = []
    # What is not asked for is not there: it lies between no steps.
    values: dict[str, object] = {"facts": wanted}
    for prefix, (mart, sql) in marts.items():
        if any(name.startswith(prefix) for name in wanted):
            if not columns_of(connection, f"marts.{mart}"):
                raise MillstreamError(f"marts.{mart} is not published yet. Load data and run `millstream run`.")
            found.append(sql)
            if prefix == "email:":
                values |= {"mails": list(EMAIL), "told": list(EMAIL.values())}
    return found, values


def columns_of(connection: Connection, table: str) -> list[str]:
    """The columns of a table or view, none where it is not there."""
    if re.fullmatch(r"\w+\.\w+", table) is None:
        return []
    schema, name = table.split(".")
    rows = connection.execute(
        "select column_name from information_schema.columns "
        "where table_schema = $schema and table_name = $name order by ordinal_position",
        {"schema": schema, "name": name},
    ).fetchall()
    return [str(row[0]) for row in rows]
