"""What the mail provider told of a campaign's recipients, as the published snapshot has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


def outcomes(snapshot: Snapshot | None, name: str) -> dict[str, int]:
    """How many recipients' mails were delivered, opened and so on until the snapshot; what nobody did is left out."""
    if snapshot is None or not snapshot.has("marts.fct_campaign_recipients"):
        return {}
    rows = snapshot.query(
        """
        select
            count(*) filter (where is_delivered) as delivered,
            count(*) filter (where is_opened) as opened,
            count(*) filter (where is_clicked) as clicked,
            count(*) filter (where is_bounced) as bounced,
            count(*) filter (where dropped_at is not null) as dropped,
            count(*) filter (where is_complained) as complained,
            count(*) filter (where is_unsubscribed) as unsubscribed
        from marts.fct_campaign_recipients
        where campaign = $name
        """,
        name=name,
    )
    return {outcome: int(people) for outcome, people in rows.row(0, named=True).items() if people}
