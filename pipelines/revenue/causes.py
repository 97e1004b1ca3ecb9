"""Why a customer's MRR is another one in this snapshot than in that one: the changes of the ledger that differ.

| cause | what differs |
|---|---|
| `since` | a change that lies after the moment that the earlier snapshot stands for |
| `late_invoice` | an invoice line of before it that became known after it |
| `backdated_change` | another change of before it that became known after it |
| `corrected` | a change that both know, with another amount or price: the object was told anew |
| `withdrawn` | a change that only the earlier one knows |
| `rule_change` | any of the last four, where both were made of the same loads by different models |
| `rule_or_data` | the same where loads and models both differ, or where nobody said which models |
| `exchange_rate`, `rounding` | no change: other rates, or another share of a converted sum |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipelines.warehouse import Snapshot

Customer = tuple[str, str]
"""Account and Stripe customer."""
Change = dict[str, Any]
SHOWN = 10
"""So many objects of a customer are named."""
_KEY = ("account", "customer_id", "currency", "subscription_id", "subscription_item_id", "changed_at")
_SAID = ("mrr_minor", "price_id")


@dataclass(frozen=True)
class Difference:
    """One change that the two ledgers do not both have."""

    customer: Customer
    day: date
    cause: str
    object_id: str | None
    event_id: str | None


@dataclass(frozen=True)
class _Between:
    """What is known of the two snapshots."""

    before_as_of: datetime
    same_rules: bool
    same_data: bool

    def cause(self, before: Change | None, after: Change | None) -> str:
        if after is not None and after["changed_at"] >= self.before_as_of:
            return "since"
        if not self.same_rules:
            return "rule_change" if self.same_data else "rule_or_data"
        if after is None:
            return "withdrawn"
        if before is not None:
            return "corrected"
        return "late_invoice" if after["source"] == "invoice" else "backdated_change"


def differences(
    before: Snapshot, after: Snapshot, customers: Collection[Customer], *, profile: str
) -> dict[Customer, list[Difference]]:
    """The changes of these customers that differ, in order of day."""
    rules = {before.manifest.rules, after.manifest.rules}
    between = _Between(
        before.as_of.replace(tzinfo=None), len(rules) == 1 and "" not in rules, _loads(before) == _loads(after)
    )
    asked = {"customers": sorted({customer for _, customer in customers}), "profile": profile}
    old, new = (_changes(snapshot, asked) for snapshot in (before, after))
    found: dict[Customer, list[Difference]] = defaultdict(list)
    for key in old.keys() | new.keys():
        was, is_now = old.get(key), new.get(key)
        if was is not None and is_now is not None and all(was[name] == is_now[name] for name in _SAID):
            continue
        told = is_now or was
        assert told is not None
        customer = (str(told["account"]), str(told["customer_id"]))
        cause = between.cause(was, is_now)
        found[customer].append(Difference(customer, told["changed_date"], cause, told["object_id"], told["event_id"]))
    for own in found.values():
        own.sort(key=lambda one: (one.day, one.object_id or "", one.cause))
    return found


def has_other_rates(before: Snapshot, after: Snapshot) -> bool:
    """Whether the two convert by different rates."""
    name = "marts.exchange_rates"
    return before.manifest.tables[name].files != after.manifest.tables[name].files


def _changes(snapshot: Snapshot, asked: dict[str, Any]) -> dict[tuple[object, ...], Change]:
    rows = snapshot.query(_CHANGES, **asked).iter_rows(named=True)
    return {tuple(row[name] for name in _KEY): row for row in rows}


def _loads(snapshot: Snapshot) -> list[str]:
    """The inputs of Stripe that are in a snapshot; each has its content's id."""
    if not snapshot.has("health.loads"):
        return [f"only snapshot {snapshot.number}"]
    found = snapshot.query("select input_id from health.loads where source = 'stripe' order by input_id")
    return [str(one) for one in found["input_id"]]


_CHANGES = """
select account, customer_id, currency, subscription_id, subscription_item_id, changed_at, changed_date, mrr_minor,
    price_id, source, object_id, event_id
from marts.fct_mrr_changes where profile = $profile and list_contains($customers, customer_id)
"""
