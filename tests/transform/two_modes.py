"""Two accounts, each with live and test objects of the same ids: four times one customer, paying four amounts."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.settings import Settings
from pipelines.stripe import ingest_files
from tests.transform.sample_warehouse import unix
from tests.transform.stripe_shapes import invoice, item, line, price, subscription

Json = dict[str, Any]

ACCOUNTS = ("two modes", "two modes again")
PAID = {("two modes", True): 100, ("two modes", False): 200, ("two modes again", True): 400,
        ("two modes again", False): 800}  # fmt: skip
"""What the customer pays a month, by account and whether it is live."""
SINCE, UNTIL = "2026-06-01", "2026-07-01"


def ingest(settings: Settings, folder: Path, now: datetime) -> None:
    """One file per account and mode; the second account's test data come last."""
    monthly = price("1")
    first = subscription(item(monthly), customer="cus_modes", created=unix(SINCE), start_date=unix(SINCE))
    bill = invoice(first, SINCE, line(first, monthly, SINCE, UNTIL, 1))
    for number, (account, is_live) in enumerate(itertools.product(ACCOUNTS, (True, False))):
        path = folder / f"{number}.jsonl"
        things = _things(monthly, first, bill, PAID[account, is_live])
        path.write_text("\n".join(json.dumps(thing | {"livemode": is_live}) for thing in things))
        summary = ingest_files(settings, [str(path)], account=account, as_of=datetime.fromisoformat(SINCE), now=now)
        assert summary.loaded == len(things)


def _things(monthly: Json, first: Json, bill: Json, amount: int) -> list[Json]:
    priced = monthly | {"unit_amount_decimal": str(amount)}
    items = {"object": "list", "data": [first["items"]["data"][0] | {"price": priced}]}
    lines = {"object": "list", "has_more": False, "data": [bill["lines"]["data"][0] | {"amount": amount}]}
    customer = {"id": "cus_modes", "object": "customer", "created": unix(SINCE), "email": f"{amount}@modes.example.com"}
    charge = {
        "id": "ch_modes", "object": "charge", "created": unix(SINCE), "status": "succeeded", "currency": "usd",
        "amount": amount, "customer": "cus_modes", "invoice": bill["id"],
    }  # fmt: skip
    refund = {
        "id": "re_modes", "object": "refund", "created": unix(SINCE), "status": "succeeded", "currency": "usd",
        "amount": amount // 4, "charge": "ch_modes",
    }  # fmt: skip
    sums = {"subtotal": amount, "total": amount, "amount_due": amount, "amount_paid": amount}
    return [customer, priced, first | {"items": items}, bill | sums | {"lines": lines}, charge, refund]
