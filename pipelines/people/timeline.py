"""One person's story: payments, MRR, events, mails and segments in one order, the newest first.

All of it is read from one snapshot; stays in segments are handed in, as they are kept in the state
store. Personal values in event properties are masked for those who may not see addresses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipelines.errors import UsageError
from pipelines.people.profile import Stay
from pipelines.people.rows import shown
from pipelines.quality.masking import masked
from pipelines.revenue import DEFAULT_PROFILE
from pipelines.warehouse import Snapshot

KINDS = ("payment", "mrr", "event", "mail", "segment")
PAGE = 50


class Timeline(NamedTuple):
    """One page of a story: how many moments of each kind there are, and these of them."""

    by_kind: dict[str, int]
    total: int
    rows: list[dict[str, Any]]


def timeline(
    snapshot: Snapshot,
    person_id: str,
    *,
    stays: Sequence[Stay] = (),
    kinds: Sequence[str] = KINDS,
    page: int = 1,
    size: int = PAGE,
    sees_addresses: bool = False,
) -> Timeline:
    """A page of the moments of these kinds; `total` counts them on all pages, `by_kind` those of every kind.

    Raises:
        UsageError: a kind, a page or a size that there is not.
    """
    if wrong := [kind for kind in kinds if kind not in KINDS]:
        raise UsageError(f"--kind {wrong[0]}: write one of {', '.join(KINDS)}.")
    if page < 1 or not 1 <= size <= 1000:
        raise UsageError("--page begins at 1, --limit lies between 1 and 1000.")
    parts = [sql for table, sql in _PARTS if snapshot.has(table)]
    everything = "\nunion all\n".join([*parts, _STAYS])
    values = {"person": person_id, "profile": DEFAULT_PROFILE, **_stay_lists(stays)}
    cursor = snapshot.cursor()
    try:
        # Two questions over one reading: the events of a person are the dear part.
        cursor.execute(
            f"create or replace temp table story as select * from ({everything})",
            {name: value for name, value in values.items() if f"${name}" in everything},
        )
        counted = dict(cursor.execute("select kind, count(*) from story group by kind").fetchall())
        found = cursor.execute(
            """
            select happened_at as "at", kind, what, detail, amount_minor, currency, object_id, properties
            from story where list_contains($kinds::varchar[], kind)
            order by happened_at desc, kind, what, object_id limit $size offset $skip
            """,
            {"kinds": list(kinds), "size": size, "skip": (page - 1) * size},
        )
        names = [column[0] for column in found.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    finally:
        cursor.close()
    by_kind = {kind: int(counted.get(kind, 0)) for kind in KINDS}
    total = sum(by_kind[kind] for kind in dict.fromkeys(kinds))
    return Timeline(by_kind, total, [_shown(row, sees_addresses) for row in rows])


def _shown(row: dict[str, Any], sees_addresses: bool) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.pop("properties") or "{}")
    if not sees_addresses:
        found = _masked(found)
    return shown({**row, "properties": found}, sees_addresses)


def _masked(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if value is None or isinstance(value, (bool, int, float)) else masked(name, _flat(value))
        for name, value in found.items()
    }


def _flat(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _stay_lists(stays: Sequence[Stay]) -> dict[str, list[Any]]:
    moments = [(stay.entered_at, "entered", stay.segment) for stay in stays]
    moments += [(stay.left_at, "left", stay.segment) for stay in stays if stay.left_at is not None]
    return {
        "ats": [at.replace(tzinfo=None) for at, _, _ in moments],
        "whats": [what for _, what, _ in moments],
        "segments": [segment for _, _, segment in moments],
    }


_PAYMENTS = """
select paid_at as happened_at, 'payment' as kind, kind as what, invoice_id as detail, amount_minor, currency, object_id,
    null::varchar as properties
from marts.fct_payments where person_id = $person
"""

# The movement of a day as the reports count it, at the moment of its last change.
_MRR = """
select coalesce(changes.changed_at, moved.changed_date::timestamp) as happened_at, 'mrr' as kind,
    moved.movement as what, changes.causes as detail, moved.amount_minor, moved.currency,
    changes.subscription_id as object_id, null::varchar as properties
from marts.fct_mrr_movements_daily as moved
left join (
    select profile, account, customer_id, currency, changed_date, max(changed_at) as changed_at,
        string_agg(distinct cause, ', ' order by cause) as causes, min(subscription_id) as subscription_id
    from marts.fct_mrr_changes group by all
) as changes using (profile, account, customer_id, currency, changed_date)
where moved.profile = $profile and moved.customer_id in (
    select unnest(stripe_customer_ids) from marts.dim_customers where person_id = $person
)
"""

_EVENTS = """
select event_at as happened_at, 'event' as kind, coalesce(event, type) as what, type as detail,
    null::bigint as amount_minor, null::varchar as currency, event_id as object_id, properties::varchar as properties
from marts.fct_events where person_id = $person
"""

# That a mail went out, or why it did not, is told by the ledger; what became of it by the mailer.
_SENT = """
select coalesce(sent_at, done_at, planned_at) as happened_at, 'mail' as kind,
    case when sent_at is null then 'not sent' else 'sent' end as what,
    concat_ws(', ', campaign, case when sent_at is null then coalesce(reason, state) end) as detail,
    null::bigint as amount_minor, null::varchar as currency, recipient_id as object_id, null::varchar as properties
from marts.fct_campaign_recipients where person_id = $person and coalesce(sent_at, done_at, planned_at) is not null
"""

_TOLD = """
select event_at as happened_at, 'mail' as kind, outcome as what, concat_ws(', ', campaign, reason) as detail,
    null::bigint as amount_minor, null::varchar as currency, recipient_id as object_id, null::varchar as properties
from marts.fct_email_events where person_id = $person and outcome <> 'processed'
"""

_STAYS = """
select unnest($ats::timestamp[]) as happened_at, 'segment' as kind, unnest($whats::varchar[]) as what,
    unnest($segments::varchar[]) as detail, null::bigint as amount_minor, null::varchar as currency,
    null::varchar as object_id, null::varchar as properties
"""

_PARTS = (
    ("marts.fct_payments", _PAYMENTS),
    ("marts.fct_mrr_movements_daily", _MRR),
    ("marts.fct_events", _EVENTS),
    ("marts.fct_campaign_recipients", _SENT),
    ("marts.fct_email_events", _TOLD),
)
