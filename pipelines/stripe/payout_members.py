"""Which balance transactions an automatic payout paid out: Stripe tells it only to who asks for that payout.

No balance transaction shows its payout, so the answer is landed as an object of our own kind,
`payout_members`, under the payout's id. It is asked for when Stripe says that the payout is complete;
from then on the members never change, so asking twice lands the same bytes.
"""

from __future__ import annotations

from typing import Any

import orjson

from pipelines.stripe.client import StripeApi

Thing = dict[str, Any]


def members_of_payout(api: StripeApi, thing: Thing) -> list[bytes]:
    """What is landed beside a payout; nothing where Stripe does not tell its members, or not yet."""
    if not thing.get("automatic"):
        return []
    # Versions from before this field existed tell by the status alone.
    if thing.get("reconciliation_status", "completed" if thing.get("status") == "paid" else None) != "completed":
        return []
    members = [
        str(entry["id"])
        for page in api.pages("/v1/balance_transactions", {"payout": thing["id"]}, may_be_gone=True)
        for entry in page.objects
    ]
    told = {"id": thing["id"], "object": "payout_members", "members": sorted(members)}
    if "livemode" in thing:
        told["livemode"] = thing["livemode"]
    return [orjson.dumps(told)]
