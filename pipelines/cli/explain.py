"""`millstream explain REPORT --at DATE`: the rows, objects, events, rule and SQL behind one number."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from pipelines.cli.output import emit, note, table
from pipelines.cli.revenue import newest_snapshot, tell_unconverted
from pipelines.settings import load_settings


class Explained(StrEnum):
    """The reports whose numbers can be explained."""

    mrr = "mrr"
    movements = "movements"
    churn = "churn"
    nrr = "nrr"
    quick_ratio = "quick_ratio"
    arpa = "arpa"
    ltv = "ltv"
    cohorts = "cohorts"
    survival = "survival"
    trials = "trials"
    recovery = "recovery"
    scheduled = "scheduled"
    deferred = "deferred"
    cash = "cash"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("explain")(explain)


def explain(
    report: Annotated[Explained, typer.Argument(help="Which report's number.")],
    at: Annotated[str, typer.Option("--at", help="The day, in the reporting time zone.")],
    customer: Annotated[
        str | None, typer.Option(help="One Stripe customer's rows only (cus_...).", show_default=False)
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of the answer; `native` keeps each.", show_default=False)
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="One Stripe account; left out: all of them.", show_default=False)
    ] = None,
    profile: Annotated[str, typer.Option(help="Whose definition of recurring revenue.")] = "stripe",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """What one day's number is made of: the rows add up to it, each with the object and rule that tell it."""
    from pipelines.moments import parse_day
    from pipelines.revenue import asked_explanation

    settings = load_settings()
    parse_day("--at", at)
    document = asked_explanation(
        newest_snapshot(settings),
        settings,
        report.value,
        at=at,
        customer=customer,
        currency=currency,
        account=account,
        profile=profile,
    )
    if as_json:
        emit(document)
        return
    _print(document)


def _print(document: dict[str, Any]) -> None:
    from pipelines.money import format_money

    rows = document["rows"]
    has_figures = len({row["figure"] for row in rows}) > 1
    if rows:
        headings = ["amount", "cause", "customer", "object", "event", "valid from", "valid to"]
        names = ["cause", "customer_id", "object_id", "event_id", "valid_from", "valid_to"]
        if has_figures:
            headings.insert(1, "figure")
            names.insert(0, "figure")
        amounts = [format_money(row["amount_minor"], row["currency"]) if row["currency"] else "1" for row in rows]
        cells = [[amount, *(row[name] for name in names)] for amount, row in zip(amounts, rows, strict=True)]
        table(headings, cells, numbers=[0])
    _print_sums(document)
    for rule in sorted({row["rule"] for row in rows}):
        print(f"rule: {rule}")
    failed = [check["name"] for check in document["checks"] if not check["is_passed"]]
    outcome = f"failed: {', '.join(failed)}" if failed else "all passed"
    print(f"checks: {len(document['checks'])} guard it, {outcome}")
    tell_unconverted(document)
    where = f"snapshot {document['snapshot']}, profile {document['profile']}"
    note(f"as of {document['as_of']}, {where}; --json also shows the SQL")


def _print_sums(document: dict[str, Any]) -> None:
    """The days, and what the rows come to: in all where they are one number, else by figure."""
    from pipelines.money import format_money

    first, last = document["period"]["first"], document["period"]["last"]
    print(f"of {first}" if first == last else f"from {first} to {last}")
    if document["total_minor"] is None:
        for one in document["figures"]:
            name = one["figure"].removesuffix("_minor").replace("_", " ")
            minor = one["amount_minor"]
            print(f"{name} {one['rows']:,}" if minor is None else f"{name} {format_money(minor, one['currency'])}")
        return
    total, currency = document["total_minor"], document["currency"]
    amounts = total if isinstance(total, dict) else {currency: total}
    print("total " + (", ".join(format_money(minor, own) for own, minor in amounts.items()) or "0"))
