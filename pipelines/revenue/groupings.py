"""What a revenue report can be taken apart by, and which value a line of the ledger has in it.

Plan, product and interval are those of the item's price. The others are the customer's, as the snapshot
knows them: a customer who moved to another country has all their history there. Whoever is in several
segments has a value made of all of them, so that every customer has one value and the values add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pipelines.warehouse import Snapshot

Group = Literal["plan", "product", "country", "currency", "interval", "channel", "segment", "customer"]
GROUPS: tuple[Group, ...] = get_args(Group)
_MEMBERSHIPS = "segments.memberships"


@dataclass(frozen=True)
class Grouping:
    """One way to take figures apart."""

    name: Group
    field: str
    """The field of a line that decides."""
    labels: Mapping[str, str]
    """What is told of each of its values; what has no label stands for itself, or for None."""
    is_itself: bool

    def value(self, line: Mapping[str, Any]) -> str | None:
        """The group that a line of the ledger belongs to; None where nothing is known of it."""
        key = line[self.field]
        return None if key is None else self.labels.get(str(key), str(key) if self.is_itself else None)


def grouping(snapshot: Snapshot, group: Group) -> Grouping:
    """The groups as this snapshot knows them."""
    field, sql, is_itself = _LABELS[group]
    if sql is None or (group == "segment" and not snapshot.has(_MEMBERSHIPS)):
        return Grouping(group, field, {}, is_itself)
    rows = snapshot.query(sql).iter_rows()
    return Grouping(group, field, {str(key): str(label) for key, label in rows}, is_itself)


_INTERVAL = (
    "case when coalesce(interval_count, 1) = 1 then interval else concat(interval_count, ' ', interval, 's') end"
)

# A plan is a price. Several that would be called the same are told apart by their ids.
_PLANS = f"""
with named as (
    select price_id, max(coalesce(price_nickname, product_name || ', ' || {_INTERVAL})) as label
    from marts.dim_prices group by price_id
)
select price_id, label || case when count(*) over (partition by label) > 1 then ' (' || price_id || ')' else '' end
from named where label is not null
"""
_PRODUCTS = "select product_id, max(product_name) from marts.dim_products where product_name is not null group by 1"
_INTERVALS = f"select price_id, max({_INTERVAL}) from marts.dim_prices where interval is not null group by 1"

_OF_PERSONS = """
select customer_id, max({column}) from (
    select unnest(stripe_customer_ids) as customer_id, {column} from marts.dim_customers where {column} is not null
) group by 1
"""
_SEGMENTS = f"""
select customer_id, string_agg(distinct segment, ' + ' order by segment)
from (select unnest(stripe_customer_ids) as customer_id, person_id from marts.dim_customers)
join {_MEMBERSHIPS} using (person_id)
where left_at is null group by 1
"""

_LABELS: dict[Group, tuple[str, str | None, bool]] = {
    "plan": ("price_id", _PLANS, True),
    "product": ("product_id", _PRODUCTS, True),
    "interval": ("price_id", _INTERVALS, False),
    "country": ("customer_id", _OF_PERSONS.format(column="country"), False),
    "channel": ("customer_id", _OF_PERSONS.format(column="acquisition_channel"), False),
    "segment": ("customer_id", _SEGMENTS, False),
    "customer": ("customer_id", None, True),
    "currency": ("currency", None, True),
}
