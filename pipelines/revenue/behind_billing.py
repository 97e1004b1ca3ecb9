"""The rows behind trials, failed payments, scheduled churn, deferred revenue and survival."""

from __future__ import annotations

from datetime import date
from itertools import groupby

from pipelines.revenue.behind import Behind, currency_of, month_until, row_of, shares_booked
from pipelines.revenue.behind_mrr import TABLES as LEDGER_TABLES
from pipelines.revenue.deferred import LINES, end_of_day, lines_deferred
from pipelines.revenue.ledger import Ledger, Period
from pipelines.revenue.question import Question
from pipelines.revenue.recovery import FAILED, invoices_failed
from pipelines.revenue.reports import Row
from pipelines.revenue.scheduled import OPEN, items_leaving
from pipelines.revenue.survival import LIVES, lifetimes
from pipelines.revenue.trials import ENDED, trials_ended

RULES = {
    "trial": "trial that ended in the period, by passing or by being canceled",
    "converted": "it passed, nobody canceled in it, and the first invoice after it that asks for money is paid",
    "failed": "what was due on an invoice whose payment first failed in the period, at the rate of that day",
    "recovered": "the same where the invoice was paid since",
    "scheduled": "item of a subscription whose end is asked for and has not come",
    "deferred": "invoice line paid by the day: its amount without tax and refunds, for the part of its time after it",
    "life": "subscription that began in the period: from its first MRR to its last",
}


def trials(ledger: Ledger, at: date) -> Behind:
    """The trials that ended in the month up to the day; one that converted has a second row for its invoice."""
    period = month_until(at)
    rows: list[Row] = []
    for trial in trials_ended(ledger.snapshot, period, account=ledger.account):
        subscription = str(trial["subscription_id"])
        cause = "canceled" if trial["is_canceled"] else "passed"
        rows.append(
            row_of(
                trial, "ended", cause=cause, rule=RULES["trial"], object_id=subscription,
                since=trial["started_at"], until=trial["ended_at"], amount=None, currency=None,
                subscription_id=subscription,
            )
        )  # fmt: skip
        if trial["is_converted"]:
            rows.append(
                row_of(
                    trial, "converted", cause="paid", rule=RULES["converted"], object_id=str(trial["invoice_id"]),
                    since=trial["converted_at"], amount=None, currency=None, subscription_id=subscription,
                )
            )  # fmt: skip
    asked = {"start": period.start, "end": period.end, "account": ledger.account}
    return Behind(period, rows, ENDED, asked, ("marts.fct_trials",))


def recovery(ledger: Ledger, at: date) -> Behind:
    """The invoices whose payment first failed in the month up to the day; a recovered one has a second row."""
    period = month_until(at)
    rows: list[Row] = []
    unconverted: set[str] = set()
    for one in invoices_failed(ledger.snapshot, period, account=ledger.account):
        own, day = str(one["currency"]), one["failed_date"]
        assert isinstance(day, date)
        shares = shares_booked(ledger, [int(str(one["failed_minor"]))], own, day)
        if shares is None:
            unconverted.add(own)
            continue
        told = {"amount": shares[0], "currency": currency_of(ledger, own), "object_id": str(one["invoice_id"])}
        told |= {"subscription_id": one["subscription_id"], "native_currency": own}
        said = [("failed_minor", "failed", str(one["invoice_status"]), one["first_failed_at"])]
        if one["recovered_at"] is not None:
            said.append(("recovered_minor", "recovered", "paid", one["recovered_at"]))
        rows += [
            row_of(one, figure, cause=cause, rule=RULES[rule], since=since, **told)  # type: ignore[arg-type]
            for figure, rule, cause, since in said
        ]
    asked = {"start": period.start, "end": period.end, "account": ledger.account}
    return Behind(period, rows, FAILED, asked, ("marts.fct_failed_invoices",), sorted(unconverted))


def scheduled(ledger: Ledger, at: date) -> Behind:
    """The items that are to end, each from when that was asked until when it is due."""
    rows: list[Row] = []
    for item in items_leaving(ledger, at):
        request = item.pop("request")
        assert isinstance(request, dict)
        rows.append(
            item
            | {
                "figure": "scheduled_churn_minor",
                "cause": "cancellation_scheduled",
                "rule": RULES["scheduled"],
                "object_id": item["subscription_id"],
                "event_id": request["event_id"],
                "valid_from": request["requested_at"],
                "valid_to": request["cancels_at"],
            }
        )
    tables = ("marts.fct_scheduled_cancellations", *LEDGER_TABLES)
    return Behind(Period(at, at), rows, OPEN, {"day": at, "account": ledger.account}, tables, ledger.unconverted)


def deferred(ledger: Ledger, at: date, timezone: str) -> Behind:
    """The paid invoice lines that owe service after the end of the day."""
    rows: list[Row] = []
    unconverted: set[str] = set()
    lines = lines_deferred(ledger.snapshot, at, timezone=timezone, account=ledger.account)
    for own, group in groupby(lines, key=lambda line: str(line["currency"])):
        some = list(group)
        shares = shares_booked(ledger, [int(str(line["deferred_minor"])) for line in some], own, at)
        if shares is None:
            unconverted.add(own)
            continue
        rows += [
            row_of(
                line, "deferred_minor", amount=share, currency=currency_of(ledger, own), cause="paid_ahead",
                rule=RULES["deferred"], object_id=str(line["line_id"]), since=line["period_started_at"],
                until=line["period_ended_at"], invoice_id=line["invoice_id"],
                subscription_id=line["subscription_id"], net_minor=line["net_minor"], native_currency=own,
            )
            for line, share in zip(some, shares, strict=True)
        ]  # fmt: skip
    asked = {"day": at, "day_end": end_of_day(at, timezone), "account": ledger.account}
    tables = ("marts.fct_invoice_lines", "marts.fct_payments")
    return Behind(Period(at, at), rows, LINES, asked, tables, sorted(unconverted))


def survival(ledger: Ledger, at: date, timezone: str) -> Behind:
    """The subscriptions that began in the twelve months before that of the day and until it, each with its life."""
    period = Period(at.replace(year=at.year - 1, day=1), at)
    whole = Question(
        period.start, at, currency=ledger.currency, timezone=timezone, account=ledger.account, profile=ledger.profile
    )
    lives = lifetimes(ledger.snapshot, whole)
    rows = [
        row_of(
            life._asdict(), "ended" if life.is_end else "in_sight", amount=None, currency=None,
            cause=str(life.end_cause) if life.is_end else "lives_on", rule=RULES["life"],
            object_id=life.subscription_id, since=life.started_at, until=life.ended_at if life.is_end else None,
            subscription_id=life.subscription_id, days=life.days,
        )
        for life in lives
    ]  # fmt: skip
    asked = {"start": period.start, "end": at, **ledger.scope}
    return Behind(period, rows, LIVES, asked, ("marts.fct_subscription_lifetimes", *LEDGER_TABLES))
