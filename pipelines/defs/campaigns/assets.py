"""Campaigns as one asset: a partition per campaign and occurrence, below the data that it must not go without.

A run starts the sender as a child and waits for it: the ledger, its lock and the gates are the command's own.
What it tells are counts; who is mailed stands in the state store alone.
"""

import dagster as dg

from pipelines.operations.campaigns import send_in_child
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings

OCCURRENCES = dg.DynamicPartitionsDefinition(name="campaign_occurrences")
"""`win-back|2026-11-27T08:00Z`; a campaign that follows its segment has one, `|entry`."""
COUNTED = ("audience", "accepted", "ambiguous", "excluded", "open", "duplicates", "missing")


@dg.asset(
    key=["campaigns", "sent"],
    deps=[
        ["published", "snapshot"],
        ["segments", "memberships"],
        ["raw_state", "consents"],
        ["raw_state", "suppressions"],
    ],
    partitions_def=OCCURRENCES,
    group_name="campaigns",
    kinds={"sqlite"},
    description="The mails of each campaign and occurrence: planned where the gates let it, and handed over once.",
)
def sent(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Run twice it mails nobody twice; killed it leaves no sender, and the next run goes on."""
    name, _, occurrence = context.partition_key.partition("|")
    with told_to_dagster():
        found = send_in_child(settings, name, said=context.log.info)
    shut = [str(hold["gate"]) for hold in found["held_back"]]
    for hold in found["held_back"]:
        context.log.warning(f"held back: {hold['what']} {hold['mend']}")
    return dg.MaterializeResult(
        metadata={
            "campaign": name,
            "occurrence": occurrence,
            "state": found["state"],
            "held_back_by": ", ".join(shut) or "nothing",
            "certificate": found["certificate"],
            **{key: int(found[key]) for key in COUNTED},
            **{f"this_run/{key}": int(found["this_call"][key]) for key in ("accepted", "rejected", "ambiguous")},
        }
    )
