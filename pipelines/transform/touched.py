"""Which customers' revenue a build has to make anew: those that anything new was told of since the last build.

The ledger's models of a customer ask of nobody else, so what they made of the others stays as it is (the
materialization `kept` in dbt_project/macros/engine). What concerns everybody (a rule, a price, a coupon, the time
zone, Stripe's mode, a clock that went back) makes everything anew, as does a build after one that did not end well:
the note of what is kept is taken away before dbt begins and written when all models are there.

Rows of `object_versions` are numbered as they are loaded, and the tables of the newest objects follow from them: what
was loaded since is what has a greater number. Whoever changes raw rows by another way deletes the note (`forget`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.settings import Settings
from pipelines.transform.project import rules_digest

if TYPE_CHECKING:
    from pipelines.warehouse.writer import Connection

LEDGER = "MILLSTREAM_LEDGER"
"""Environment variable of the dbt child: `whole` or `touched`."""


@dataclass(frozen=True)
class Kept:
    """What the ledger's tables were made of."""

    rules: str
    as_of: datetime
    loaded: int
    """The number of the last version that was there."""


def begin(settings: Settings, *, part: str, as_of: datetime) -> tuple[Kept, bool]:
    """What a build that begins now makes the ledger of, and whether it may make only what was touched.

    `part` names the models that are built: what another choice of models left is not built upon.
    """
    # Late, here and below: a sender names this room too, and data frames come with the warehouse.
    from pipelines.warehouse import Warehouse
    from pipelines.warehouse.writer import transaction

    with Warehouse(settings).write("looking for what was touched") as connection, transaction(connection):
        connection.execute(_NOTE)
        before = connection.execute("select rules, as_of, loaded from intermediate.ledger_kept").fetchone()
        forget(connection)
        rules = f"{part} {rules_digest()} {settings.reporting_timezone} {settings.stripe_mode}"
        now = Kept(rules, as_of.astimezone(UTC).replace(tzinfo=None), _loaded(connection))
        if before is None:
            return now, False
        known = Kept(*before)
        if known.as_of > now.as_of or known.rules != f"{rules} {_of_everybody(connection)}":
            return now, False
        return now, _list_touched(connection, known, now)


def finish(settings: Settings, made: Kept) -> None:
    """Note that every model was made of this."""
    from pipelines.warehouse import Warehouse
    from pipelines.warehouse.writer import transaction

    with Warehouse(settings).write("noting what is kept") as connection, transaction(connection):
        rules = f"{made.rules} {_of_everybody(connection)}"
        connection.execute("insert into intermediate.ledger_kept values (?, ?, ?)", [rules, made.as_of, made.loaded])


def forget(connection: Connection) -> None:
    """Let the next build make everything anew."""
    connection.execute(_NOTE)
    connection.execute("delete from intermediate.ledger_kept")


def _loaded(connection: Connection) -> int:
    ((number,),) = connection.execute("select coalesce(max(sequence), 0) from raw_stripe.object_versions").fetchall()
    return int(number)


def _of_everybody(connection: Connection) -> str:
    """Raw facts that may concern any customer, as one text: prices, coupons, whether there are live data."""
    ((told,),) = connection.execute("""
        select concat_ws(' ',
            (select sum(hash(prices)) from staging.stg_stripe__prices as prices),
            (select sum(hash(coupons)) from staging.stg_stripe__coupons as coupons),
            exists (from raw_stripe.customers where livemode), exists (from raw_stripe.subscriptions where livemode),
            exists (from raw_stripe.invoices where livemode), exists (from raw_stripe.charges where livemode)
        )
    """).fetchall()
    return str(told)


def _list_touched(connection: Connection, known: Kept, now: Kept) -> bool:
    """Write the lists that the models read; answers False where something new does not say whose it is."""
    connection.execute(_OBJECTS, {"loaded": known.loaded})
    connection.execute(_VERSIONS)
    connection.execute(_MENTIONS)
    ((nameless,),) = connection.execute(_NAMELESS).fetchall()
    if nameless:
        return False
    connection.execute(_FIRST_SUBSCRIPTIONS, {"since": known.as_of, "now": now.as_of})
    connection.execute(_FIRST_CUSTOMERS)
    size, found = -1, 0
    while size < found:
        size = found
        connection.execute(_THEIR_CUSTOMERS)
        connection.execute(_THEIR_SUBSCRIPTIONS)
        ((found,),) = connection.execute(_SIZE).fetchall()
    return True


_NOTE = "create table if not exists intermediate.ledger_kept (rules varchar, as_of timestamp, loaded bigint)"

# An item goes with its subscription and a line with its invoice.
_OBJECTS = """
create or replace table intermediate.touched_objects as
select distinct account,
    case object when 'subscription_item' then 'subscription' when 'line_item' then 'invoice' else object end as object,
    case object
        when 'subscription_item' then coalesce(json_extract_string(payload, '/subscription'), parent_id, '')
        when 'line_item' then coalesce(parent_id, '')
        else id
    end as id
from raw_stripe.object_versions
where sequence > $loaded
    and object in ('subscription', 'subscription_item', 'invoice', 'line_item', 'invoiceitem', 'discount', 'customer')
"""

_VERSIONS = """
create or replace table intermediate.touched_versions as
select sequence from raw_stripe.object_versions
where (account, object, id) in (select account, object, id from intermediate.touched_objects)
union all
select sequence from raw_stripe.object_versions
where object = 'subscription_item'
    and (account, coalesce(json_extract_string(payload, '/subscription'), parent_id, '')) in (
        select account, id from intermediate.touched_objects where object = 'subscription'
    )
union all
select sequence from raw_stripe.object_versions
where object = 'line_item'
    and (account, coalesce(parent_id, '')) in (
        select account, id from intermediate.touched_objects where object = 'invoice'
    )
"""

_OF_LINES = (
    "subscription",
    "parent.subscription_item_details.subscription",
    "parent.invoice_item_details.subscription",
)
_OF_OBJECTS = (*_OF_LINES, "subscription.id", "parent.subscription_details.subscription")

# Whoever any version of a touched object names: also those whose it was, and no longer is. What is expanded is an
# object and has its id in it.
_MENTIONS = f"""
create or replace temp table mentions as
with told as (
    from raw_stripe.object_versions where sequence in (select sequence from intermediate.touched_versions)
),
named as (
    select account,
        if(object = 'line_item', 'invoice', object) as object,
        if(object = 'line_item', coalesce(parent_id, ''), id) as id,
        case
            when object = 'subscription' then [id]
            when object = 'customer' then []
            else json_extract_string(payload, {[f"$.{path}" for path in _OF_OBJECTS]})
                || {" || ".join(f"json_extract_string(payload, '$.lines.data[*].{path}')" for path in _OF_LINES)}
        end as subscriptions,
        case
            when object <> 'customer' then json_extract_string(payload, ['$.customer', '$.customer.id'])
            -- Nothing else of a customer is asked for.
            when json_extract_string(payload, '/discount') is not null then [id]
            else []
        end as customers
    from told
)
select account, object, id, list_filter(subscriptions, lambda one: not starts_with(one, '{{')) as subscriptions,
    list_filter(customers, lambda one: not starts_with(one, '{{')) as customers
from named
"""

_NAMELESS = """
select count(*) from intermediate.touched_objects
where object in ('invoice', 'invoiceitem', 'discount')
    and (account, object, id) not in (
        select (account, object, id) from mentions where len(subscriptions) + len(customers) > 0
    )
"""

_FIRST_SUBSCRIPTIONS = """
create or replace table intermediate.touched_subscriptions as
select account, unnest(subscriptions) as subscription_id from mentions
union
select account, subscription_id from intermediate.int_moments_awaited_by_subscriptions
where awaited_at >= $since and awaited_at < $now
"""

_FIRST_CUSTOMERS = """
create or replace table intermediate.touched_customers as
select distinct account, unnest(customers) as customer_id from mentions
"""

_BILLED = """
    select lines.account, lines.subscription_id, coalesce(invoices.customer_id, '') as customer_id
    from staging.stg_stripe__invoice_lines as lines
    join staging.stg_stripe__invoices as invoices
        on lines.account = invoices.account and lines.invoice_id = invoices.invoice_id
    where lines.subscription_id is not null
    union all
    select account, subscription_id, coalesce(customer_id, '') from staging.stg_stripe__invoice_items
    where subscription_id is not null
    union all
    select account, subscription_id, coalesce(customer_id, '') from staging.stg_stripe__subscription_versions
"""

_THEIR_CUSTOMERS = f"""
insert into intermediate.touched_customers
select distinct account, customer_id from ({_BILLED})
where (account, subscription_id) in (select account, subscription_id from intermediate.touched_subscriptions)
    and (account, customer_id) not in (select (account, customer_id) from intermediate.touched_customers)
"""

_THEIR_SUBSCRIPTIONS = f"""
insert into intermediate.touched_subscriptions
select distinct account, subscription_id from ({_BILLED})
where (account, customer_id) in (select account, customer_id from intermediate.touched_customers)
    and (account, subscription_id) not in (select (account, subscription_id) from intermediate.touched_subscriptions)
"""

_SIZE = """
select (select count(*) from intermediate.touched_customers)
    + (select count(*) from intermediate.touched_subscriptions)
"""
