"""The gates before campaigns as checks of what they look at; none stops the pipeline, each stops a campaign."""

from collections.abc import Iterator

import dagster as dg

from pipelines.campaigns.gates import GATES, Gate
from pipelines.operations.campaigns import held
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings
from pipelines.state import open_state

PLACES: dict[Gate, list[str]] = {
    "freshness": ["published", "snapshot"],
    "checks": ["published", "snapshot"],
    "sources": ["published", "snapshot"],
    "reconciliation": ["published", "snapshot"],
    "consent": ["raw_state", "consents"],
}


def _name(gate: Gate) -> str:
    return f"campaigns_may_go_by_{gate}"


@dg.multi_asset_check(
    name="campaign_gates",
    specs=[
        dg.AssetCheckSpec(
            name=_name(gate),
            asset=place,
            # After the snapshot, wherever the gate's own asset stands.
            additional_deps=[] if place == ["published", "snapshot"] else [["published", "snapshot"]],
            description=f"{GATES[gate].capitalize()}; else scheduled and triggered campaigns wait.",
        )
        for gate, place in PLACES.items()
    ],
)
def campaign_gates(settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
    """Asked again before each audience is frozen: here they are seen beforehand."""
    with told_to_dagster():
        shut = held(settings, open_state(settings), settings.now())
    for gate, place in PLACES.items():
        found = [hold for hold in shut if hold.gate == gate]
        yield dg.AssetCheckResult(
            passed=not found,
            asset_key=place,
            check_name=_name(gate),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"what": " ".join(map(str, found)) or "open"},
        )
