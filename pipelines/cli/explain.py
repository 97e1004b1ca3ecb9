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
    if rows:
        headings = ["amount", "cause", "customer", "object", "event", "valid from", "valid to"]
        names = ["cause", "customer_id", "object_id", "event_id", "valid_from", "valid_to"]
        cells = [[format_money(row["amount_minor"], row["currency"]), *(row[name] for name in names)] for row in rows]
        table(headings, cells, numbers=[0])
    total, currency = document["total_minor"], document["currency"]
    amounts = total if isinstance(total, dict) else {currency: total}
    print("total " + (", ".join(format_money(minor, own) for own, minor in amounts.items()) or "0"))
    for rule in sorted({row["rule"] for row in rows}):
        print(f"rule: {rule}")
    failed = [check["name"] for check in document["checks"] if not check["is_passed"]]
    outcome = f"failed: {', '.join(failed)}" if failed else "all passed"
    print(f"checks: {len(document['checks'])} guard it, {outcome}")
    tell_unconverted(document)
    where = f"snapshot {document['snapshot']}, profile {document['profile']}"
    note(f"as of {document['as_of']}, {where}; --json also shows the SQL")
