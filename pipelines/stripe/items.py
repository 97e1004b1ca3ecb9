"""Items of a subscription that has more than Stripe shows inside it: which of them are gone.

An item leaves its subscription without an event of its own. Whenever Stripe listed all items of a
subscription, an item that was listed before and is not listed now gets a last, deleted version.
"""

from __future__ import annotations

from pipelines.warehouse.writer import Connection


def mark_items_gone(connection: Connection) -> None:
    """Add to the temp table `incoming_versions` a deleted version of each item that its list lacks."""
    connection.execute(_GONE)


_GONE = """
insert into incoming_versions by name
with listed as (
    select account, livemode, parent_id as owner, id, version_at, fetched_at, source
    from incoming_versions where object = 'subscription_item' and is_handed_in and source in ('list', 'refetch')
),
lists as (
    select account, livemode, owner, max(version_at) as version_at, max(fetched_at) as fetched_at,
        any_value(source) as source
    from listed group by all
),
known as (
    select account, livemode, id, parent_id as owner, is_deleted
    from raw_stripe.object_versions as stored
    semi join lists on stored.account = lists.account and stored.parent_id = lists.owner
    where object = 'subscription_item'
    qualify row_number() over (partition by account, livemode, id order by version_at desc, sequence desc) = 1
),
gone as (
    select lists.*, known.id, lists.owner as parent_id,
        json_object('id', known.id, 'object', 'subscription_item', 'subscription', owner, 'deleted', true) as payload
    from known join lists using (account, livemode, owner)
    where not known.is_deleted
        and not exists (
            select 1 from listed
            where listed.account = known.account and listed.livemode = known.livemode and listed.id = known.id
        )
)
select 0 as line, 0 as position, false as is_handed_in, account, livemode, id, 'subscription_item' as object,
    version_at, fetched_at, source, true as is_deleted, sha256(payload::varchar) as payload_hash, payload, parent_id
from gone
"""
