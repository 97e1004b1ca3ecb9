"""What the mail provider told of a campaign's recipients, as the published snapshot has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


TOLD = {
    "delivered": "is_delivered",
    "opened": "is_opened",
    "clicked": "is_clicked",
    "bounced": "is_bounced",
    "dropped": "dropped_at is not null",
    "complained": "is_complained",
    "unsubscribed": "is_unsubscribed",
}
"""What a mailer tells of a mail, in the order in which it is shown, and how the mart has it."""


def outcomes(snapshot: Snapshot | None, name: str) -> dict[str, int]:
    """How many recipients' mails were delivered, opened and so on until the snapshot; what nobody did is left out."""
    if snapshot is None or not snapshot.has("marts.fct_campaign_recipients"):
        return {}
    counted = ", ".join(f"count(*) filter (where {told}) as {outcome}" for outcome, told in TOLD.items())
    rows = snapshot.query(f"select {counted} from marts.fct_campaign_recipients where campaign = $name", name=name)
    return {outcome: int(people) for outcome, people in rows.row(0, named=True).items() if people}


def people_told(snapshot: Snapshot, name: str, outcome: str) -> list[str]:
    """The people of whose mail this was told.

    Raises:
        ValueError: no mailer tells that.
    """
    if outcome not in TOLD:
        raise ValueError(f"no mailer tells {outcome!r}")
    rows = snapshot.query(
        "select distinct person_id from marts.fct_campaign_recipients "
        f"where campaign = $name and {TOLD[outcome]} and person_id is not null order by person_id",
        name=name,
    )
    return [str(person) for person in rows["person_id"]]
