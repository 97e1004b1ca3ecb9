"""Last touch: what people paid after a click on this campaign, where no later click on another one came between.

Told beside the lift because people expect it. It credits a campaign with what its readers would have bought anyway.
"""

from __future__ import annotations

from typing import Any

from pipelines.experiments.outcomes import PAYMENTS, Purse, add_up, ask
from pipelines.revenue import load_rates
from pipelines.warehouse import Snapshot
from pipelines.warehouse.writer import Connection

_CREDITED = """
    , clicks as (
        select person_id, campaign, event_at from marts.fct_email_events
        where outcome = 'clicked' and campaign is not null and person_id is not null
    ),
    made as (
        select distinct payments.*
        from payments inner join exposed using (person_id)
        where not is_held_out and paid_at between begins_at and ends_at
    )
    select made.*
    from made asof inner join clicks on made.person_id = clicks.person_id and made.paid_at >= clicks.event_at
    where clicks.campaign = $campaign
      and exists (
          select 1 from exposed
          where exposed.person_id = made.person_id
            and clicks.event_at between exposed.begins_at and exposed.ends_at
      )
    order by all
"""


def last_touch(connection: Connection, snapshot: Snapshot, campaign: str, currency: str) -> dict[str, Any]:
    """People, payments and money whose last click on any campaign was on this one, within its time.

    The people stand in the temporary table `exposed`; what was given back and what discounts took off is told apart.
    """
    needed = ("marts.fct_email_events", "marts.fct_payments", "marts.fct_invoices")
    rows: list[dict[str, Any]] = []
    if all(snapshot.has(mart) for mart in needed):
        rows = ask(connection, PAYMENTS + _CREDITED, campaign=campaign)
    purse = Purse(load_rates(snapshot), currency) if rows else None
    paid = add_up(purse.take(row) for row in rows) if purse else add_up([])
    return {"people": len({row["person_id"] for row in rows}), "payments": len(rows), **paid.document()}
