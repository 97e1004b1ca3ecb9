"""Disputes: a bank takes a payment back, the business answers with evidence, and wins or loses.

The money leaves the balance when the dispute begins, with a fee; it returns when the dispute is won.
"""

from __future__ import annotations

from typing import Any

from pipelines.demo.clock import DAY, HOUR
from pipelines.demo.desk import Desk
from pipelines.demo.refunds import enter_dispute
from pipelines.demo.shapes_money import dispute

Json = dict[str, Any]

RISK, WON = 0.004, 0.4
REASONS = {"fraudulent": "10.4", "product_not_received": "13.1", "subscription_canceled": "13.2", "duplicate": "12.6.1"}
CLOSED = {True: "won", False: "lost"}


def maybe_dispute(desk: Desk, charge: Json, at: int) -> None:
    """Few payments are disputed, some weeks after they were made."""
    if desk.rng.random() < RISK:
        desk.agenda.at(at + desk.rng.randint(4 * DAY, 45 * DAY), _begin, desk, charge)


def _begin(at: int, desk: Desk, charge: Json) -> None:
    books, rng = desk.books, desk.rng
    identity, reason = books.new_id("du_1", 23), rng.choice(tuple(REASONS))
    entry = enter_dispute(desk, charge, identity, -charge["amount"], at)
    made = dispute(identity, charge, at, reason, REASONS[reason], [dict(entry)])
    books.add(made, at, "charge.dispute.created", "charge.dispute.funds_withdrawn")
    books.change(charge, at, "charge.updated", disputed=True)
    if rng.random() < 0.8:
        desk.agenda.at(at + rng.randint(DAY, 6 * DAY), _answer, desk, charge, made)
    else:
        desk.agenda.at(made["evidence_details"]["due_by"] + HOUR, _close, desk, charge, made, False)


def _answer(at: int, desk: Desk, charge: Json, made: Json) -> None:
    told = made["evidence_details"] | {"has_evidence": True, "submission_count": 1, "submission_method": "manual"}
    desk.books.change(made, at, "charge.dispute.updated", status="under_review", evidence_details=told)
    won = desk.rng.random() < WON
    desk.agenda.at(at + desk.rng.randint(10 * DAY, 40 * DAY), _close, desk, charge, made, won)


def _close(at: int, desk: Desk, charge: Json, made: Json, won: bool) -> None:
    if not won:
        desk.books.change(made, at, "charge.dispute.closed", status=CLOSED[won])
        return
    entry = enter_dispute(desk, charge, made["id"], made["amount"], at)
    entries = [*made["balance_transactions"], dict(entry)]
    types = "charge.dispute.closed", "charge.dispute.funds_reinstated"
    desk.books.change(made, at, *types, status=CLOSED[won], balance_transactions=entries)
