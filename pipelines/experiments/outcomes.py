"""What people did within the time of a goal: who reached it, and what they paid, from one snapshot.

The people stand in the temporary table `units` (part, person_id, variant, is_held_out, begins_at, ends_at) of a cursor;
each `part` (the whole campaign, an occurrence) is asked apart. A payment counts if it was made within the time, and
with it all that was given back of it until the snapshot. Money is converted at the rate of the payment's day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipelines.behaviour import facts_sql, is_fact
from pipelines.revenue import Rates, load_rates
from pipelines.warehouse import Snapshot
from pipelines.warehouse.writer import Connection

EVENTS = "marts.fct_events"
PAYMENTS = """
    with charges as (
        select account, payment_id, person_id, currency, invoice_id, paid_at, paid_date, amount_minor
        from marts.fct_payments where kind = 'charge'
    ),
    given_back as (
        select account, charge_id as payment_id, -sum(amount_minor)::bigint as back_minor
        from marts.fct_payments where kind <> 'charge' group by all
    ),
    -- of an invoice that was paid in parts each part has its share of the discount, rounded half up
    payments as (
        select
            charges.person_id, charges.paid_at, charges.paid_date, charges.currency, charges.payment_id,
            charges.amount_minor, coalesce(given_back.back_minor, 0) as back_minor,
            coalesce(case
                when invoices.total_minor > 0 then
                    (2 * invoices.discount_minor::hugeint * charges.amount_minor + invoices.total_minor)
                    // (2 * invoices.total_minor::hugeint)
            end, 0)::bigint as discount_minor
        from charges
        left join given_back using (account, payment_id)
        left join marts.fct_invoices as invoices
            on charges.account = invoices.account and charges.invoice_id = invoices.invoice_id
    )
"""
"""SQL of what each charge brought, with the names of `Paid`."""
_PAID = """
    select
        part, is_held_out, variant, person_id, currency, paid_date, sum(amount_minor)::bigint as amount_minor,
        sum(discount_minor)::bigint as discount_minor, sum(back_minor)::bigint as back_minor
    from units inner join payments using (person_id)
    where paid_at between begins_at and ends_at
    group by all order by all
"""
_REACHED = """
    select part, is_held_out, variant, count(*) as people, count(reached.person_id) as converted
    from units
    left join (
        select distinct part, person_id
        from units inner join ({goals}) as goals using (person_id)
        where event_at between begins_at and ends_at
    ) as reached using (part, person_id)
    group by all order by all
"""


class Paid(NamedTuple):
    """Money in minor units of one currency: `gross` before discounts, what discounts took off, what went back."""

    gross: int = 0
    refunds: int = 0
    discounts: int = 0

    @property
    def net(self) -> int:
        """What stayed."""
        return self.gross - self.refunds - self.discounts

    def plus(self, other: Paid) -> Paid:
        """Both together."""
        return Paid(self.gross + other.gross, self.refunds + other.refunds, self.discounts + other.discounts)

    def document(self) -> dict[str, int]:
        """The JSON form."""
        return {
            "gross_minor": self.gross,
            "refunds_minor": self.refunds,
            "discounts_minor": self.discounts,
            "net_minor": self.net,
        }


@dataclass
class Group:
    """People who were treated alike: how many, how many reached the goal, and what each paid."""

    people: int = 0
    converted: int = 0
    paid: dict[str, Paid] = field(default_factory=dict)

    @property
    def total(self) -> Paid:
        """What all of them paid."""
        return add_up(self.paid.values())

    @property
    def nets(self) -> list[int]:
        """The net of each who paid something."""
        return [paid.net for paid in self.paid.values()]

    @property
    def rate(self) -> float:
        """The share that reached the goal."""
        return self.converted / self.people if self.people else 0.0

    def plus(self, other: Group) -> Group:
        """Both together; they share nobody."""
        return Group(self.people + other.people, self.converted + other.converted, self.paid | other.paid)


class Arm(NamedTuple):
    """Which people of which part."""

    part: str
    is_held_out: bool
    variant: str


def ask(connection: Connection, sql: str, **values: object) -> list[dict[str, Any]]:
    """The rows of one question, as documents."""
    found: list[dict[str, Any]] = connection.execute(sql, values or None).pl().to_dicts()
    return found


def outcomes(
    connection: Connection, snapshot: Snapshot, goal: str, currency: str
) -> tuple[dict[Arm, Group], list[str]]:
    """What the people in `units` did, by arm; and the currencies without a rate, whose money is left out.

    Raises:
        MillstreamError: the mart of the goal's fact is not published.
    """
    goals, values = _goals(connection, snapshot, goal)
    groups: dict[Arm, Group] = defaultdict(Group)
    for row in ask(connection, _REACHED.format(goals=goals), **values):
        groups[_arm(row)] = Group(row["people"], row["converted"])
    unconverted: set[str] = set()
    if snapshot.has("marts.fct_payments") and snapshot.has("marts.fct_invoices"):
        purse = Purse(load_rates(snapshot), currency)
        for row in ask(connection, PAYMENTS + _PAID):
            own = groups[_arm(row)].paid
            own[row["person_id"]] = own.get(row["person_id"], Paid()).plus(purse.take(row))
        unconverted = purse.unconverted
    return groups, sorted(unconverted)


def reached(connection: Connection, snapshot: Snapshot, goal: str, part: str, *, held_out: bool) -> list[str]:
    """The people of a part who reached the goal, by id."""
    goals, values = _goals(connection, snapshot, goal)
    sql = f"""
        select distinct person_id
        from units inner join ({goals}) as goals using (person_id)
        where part = $part and is_held_out = $held_out and event_at between begins_at and ends_at
        order by person_id
    """
    return [str(row["person_id"]) for row in ask(connection, sql, **values, part=part, held_out=held_out)]


class Purse:
    """Brings rows of payments into one currency, and remembers those that have no rate."""

    def __init__(self, rates: Rates, currency: str) -> None:
        self._rates, self._currency = rates, currency
        self.unconverted: set[str] = set()

    def take(self, row: Mapping[str, Any]) -> Paid:
        """What one row comes to; nothing where its currency has no rate."""
        own, day = str(row["currency"]), row["paid_date"]
        amounts = (row["amount_minor"] + row["discount_minor"], row["back_minor"], row["discount_minor"])
        if own == self._currency:
            return Paid(*amounts)
        converted = [self._rates.convert(amount, own, self._currency, day) for amount in amounts]
        if None in converted:
            self.unconverted.add(own)
            return Paid()
        return Paid(*(amount or 0 for amount in converted))


def add_up(many: Iterable[Paid]) -> Paid:
    """All together."""
    columns = list(zip(*many, strict=True))
    return Paid(*map(sum, columns)) if columns else Paid()


def _arm(row: Mapping[str, Any]) -> Arm:
    return Arm(row["part"], row["is_held_out"], row["variant"])


def _goals(connection: Connection, snapshot: Snapshot, goal: str) -> tuple[str, dict[str, object]]:
    """SQL of the moments of a goal, with the values that it binds."""
    if is_fact(goal):
        parts, values = facts_sql(connection, EVENTS, [goal])
        return " union all ".join(f"select person_id, event_at from ({part})" for part in parts), values
    if not snapshot.has(EVENTS):
        return "select null::varchar as person_id, null::timestamp as event_at where false", {}
    return f"select person_id, event_at from {EVENTS} where event = $goal", {"goal": goal}
