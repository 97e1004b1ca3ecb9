"""Items of a subscription and lines of an invoice past those that Stripe shows inside it: which of them are gone.

An item leaves its subscription, and a line its draft invoice, without an event of its own. Whenever
Stripe told all of them, one that was listed before and is not told now gets a last, deleted version.
All of them are told by the list of their own, or by an invoice that has no more lines than those inside it.
"""

from __future__ import annotations

from pipelines.warehouse.writer import Connection


def mark_children_gone(connection: Connection) -> None:
    """Add to the temp table `incoming_versions` a deleted version of each child that its owner no longer has."""
    connection.execute(_GONE)


_GONE = """
insert into incoming_versions by name
with asked as (
    select * from incoming_versions where is_handed_in and source in ('list', 'refetch')
),
known_owners as materialized (
    select distinct account, parent_id as owner from raw_stripe.object_versions where object = 'line_item'
),
-- Only invoices of which lines were listed before: the others' payloads need not be looked into.
invoices as materialized (
    select asked.account, asked.livemode, 'line_item' as object, asked.id as owner, asked.version_at, asked.fetched_at,
        asked.source, json_extract(payload, '/lines') as lines
    from asked semi join known_owners on asked.account = known_owners.account and asked.id = known_owners.owner
    where asked.object = 'invoice'
),
whole as (
    from invoices where json_extract_string(lines, '/has_more') = 'false'
),
told as (
    select account, livemode, object, parent_id as owner, id, version_at, fetched_at, source
    from asked where object in ('subscription_item', 'line_item')
    union all
    select account, livemode, object, owner, unnest(json_extract_string(lines, '$.data[*].id')) as id, version_at,
        fetched_at, source
    from whole
),
complete as (
    select account, livemode, object, owner, max(version_at) as version_at, max(fetched_at) as fetched_at,
        any_value(source) as source
    from (
        select account, livemode, object, owner, version_at, fetched_at, source from told
        union all
        select account, livemode, object, owner, version_at, fetched_at, source from whole
    )
    group by all
),
known as (
    select account, livemode, object, id, parent_id as owner, is_deleted
    from raw_stripe.object_versions as stored
    semi join complete
        on stored.account = complete.account and stored.parent_id = complete.owner and stored.object = complete.object
    qualify row_number() over (
        partition by account, livemode, object, id order by version_at desc, sequence desc
    ) = 1
),
gone as (
    select complete.*, known.id, complete.owner as parent_id,
        json_object(
            'id', known.id, 'object', object, if(object = 'line_item', 'invoice', 'subscription'), owner,
            'deleted', true
        ) as payload
    from known join complete using (account, livemode, object, owner)
    where not known.is_deleted
        and not exists (
            select 1 from told
            where told.account = known.account and told.livemode = known.livemode and told.object = known.object
                and told.id = known.id
        )
)
select 0 as line, 0 as position, false as is_handed_in, account, livemode, id, object,
    version_at, fetched_at, source, true as is_deleted, sha256(payload::varchar) as payload_hash, payload, parent_id
from gone
"""
