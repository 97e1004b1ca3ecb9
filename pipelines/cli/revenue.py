"""`millstream revenue REPORT`: questions over the MRR ledger and the payments, and the count against Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.output import emit, note, table
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


class Report(StrEnum):
    """The reports that exist."""

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
    diff = "diff"
    compare = "compare"
    reconcile = "reconcile"


class Grain(StrEnum):
    """The length of a period."""

    day = "day"
    week = "week"
    month = "month"


class RatesOf(StrEnum):
    """By which rates a day is converted."""

    day = "day"
    next_day = "next_day"


class Group(StrEnum):
    """What a report can be taken apart by."""

    plan = "plan"
    product = "product"
    country = "country"
    currency = "currency"
    interval = "interval"
    channel = "channel"
    segment = "segment"
    customer = "customer"


class Basis(StrEnum):
    """What cohorts are made of."""

    mrr = "mrr"
    payments = "payments"


SHOWN = 20
"""So many differences are printed."""
SHARES = ("nrr", "grr", "survival", "lower", "upper")
"""Fields that are fractions and have no `_rate` in their name."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("revenue")(revenue)


def revenue(
    report: Annotated[Report, typer.Argument(help="Which report.")],
    date_from: Annotated[str | None, typer.Option("--from", help="First day; left out: 12 full months back.")] = None,
    date_to: Annotated[str | None, typer.Option("--to", help="Last day; left out: the last whole day.")] = None,
    by: Annotated[Grain | None, typer.Option(help="Length of a period; left out: month.", show_default=False)] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of the answer; `native` keeps each.", show_default=False)
    ] = None,
    group: Annotated[
        Group | None,
        typer.Option(help="Take `mrr` or `movements` apart.", show_default=False),
    ] = None,
    basis: Annotated[
        Basis | None,
        typer.Option(help="What `cohorts` are made of: `mrr`, or all `payments`, guests too.", show_default=False),
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="One Stripe account; left out: all of them.", show_default=False)
    ] = None,
    profile: Annotated[str, typer.Option(help="Whose definition of recurring revenue.")] = "stripe",
    against: Annotated[
        int | None, typer.Option(help="`diff`: the number of a kept snapshot to compare with.", show_default=False)
    ] = None,
    rates_of: Annotated[
        RatesOf, typer.Option(help="`mrr`: rates of the day itself, or of the next day as Stripe's own report takes.")
    ] = RatesOf.day,
    reported_on: Annotated[
        str | None,
        typer.Option(
            "--as-reported", help="`mrr`, `movements`: as published by the end of this day, and as known now."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """MRR and what follows from it, trials, failures, cash; `compare` profiles, `diff` snapshots, `reconcile`."""
    from pipelines.revenue import asked_report, check_account, check_against, check_group, check_profile

    check_group(report.value, group.value if group else None)
    check_against(report.value, against)
    settings = load_settings()
    snapshot = newest_snapshot(settings)
    if report is Report.reconcile:
        check_account(snapshot, account)
        check_profile(snapshot, profile)
        document = reconcile_document(settings, snapshot, account=account or settings.stripe_accounts[0])
    else:
        document = asked_report(
            snapshot,
            settings,
            report.value,
            date_from=date_from,
            date_to=date_to,
            by=by.value if by else None,
            currency=currency,
            group=group.value if group else None,
            basis=basis.value if basis else None,
            account=account,
            profile=profile,
            against=against,
            rates_of=rates_of.value,
            reported_on=reported_on,
        )
    if as_json:
        emit(document)
        return
    rows = document["rows"]
    assert isinstance(rows, list)
    _print(rows)
    if report is Report.compare:
        print("\nMRR by profile")
        _print(document["totals"])  # type: ignore[arg-type]
    if report is Report.reconcile:
        _print_differences(document)
    if reported_on is not None and document["restatements"]:
        _print_restatements(document)
    tell_unconverted(document)
    note(f"as of {document['as_of']}, snapshot {document['snapshot']}, profile {document['profile']}")


def tell_unconverted(document: Mapping[str, Any]) -> None:
    """Say which currencies an answer for people leaves out."""
    if document["unconverted"]:
        note(f"without an exchange rate and so left out: {', '.join(document['unconverted'])} (--currency native)")


def newest_snapshot(settings: Settings) -> Snapshot:
    """The published snapshot.

    Raises:
        NotPublishedError: nothing was published yet.
    """
    from pipelines.warehouse import SnapshotReader

    return SnapshotReader(settings.published_dir).newest()


def reconcile_document(settings: Settings, snapshot: Snapshot, *, account: str = "default") -> dict[str, object]:
    """The answer of `revenue reconcile`, with one figure over all rows and the moment up to which both sides count.

    `unexplained` has every object that differs from Stripe's lists, and every movement of the balance and payout
    that nothing loaded explains; `unexplained_minor` is what they come to.
    """
    from pipelines.operations.campaigns import note_counted_again
    from pipelines.quality import told
    from pipelines.state import open_state
    from pipelines.stripe import StripeApi, reconcile

    found = reconcile(snapshot, StripeApi(settings), account=account)
    balance = list(told.balance(snapshot, account).iter_rows(named=True))
    inside = sum(int(row["unexplained_minor"]) for row in balance)
    # A difference holds campaigns back that nobody watches, until counting again finds none.
    note_counted_again(open_state(settings), account, found.until, found.unexplained_minor, settings.now())
    return {
        "report": "reconcile",
        "profile": "stripe",
        "currency": "native",
        "timezone": settings.reporting_timezone,
        "snapshot": snapshot.number,
        "as_of": snapshot.as_of,
        "unconverted": [],
        "until": found.until,
        "unexplained_minor": found.unexplained_minor + inside,
        "rows": found.rows,
        "unexplained": found.unexplained,
        "days": found.days,
        "balance": balance,
        "balance_unexplained": list(told.unexplained(snapshot, account).iter_rows(named=True)),
    }


def _print(rows: list[dict[str, object]]) -> None:
    if not rows:
        note("no rows")
        return
    # One currency stands in every amount; of several each row needs its own.
    own = "reporting_currency" if "reporting_currency" in rows[0] else "currency"
    shown = [name for name in rows[0] if name != own or len({row[own] for row in rows}) > 1]
    cells = [[_text(name, row[name], row) for name in shown] for row in rows]
    headings = [name.removesuffix("_minor").replace("_", " ") for name in shown]
    table(headings, cells, numbers=range(1, len(headings)))


def _print_differences(document: dict[str, Any]) -> None:
    """What differs, and Stripe's balance from what is loaded; some rows of each, `--json` has all."""
    for words, name in (
        ("Objects that differ from Stripe's lists", "unexplained"),
        ("Days with such objects", "days"),
        ("Stripe's balance, from what is loaded", "balance"),
        ("Movements and payouts that nothing explains", "balance_unexplained"),
    ):
        if rows := document[name]:
            print(f"\n{words}: {len(rows):,}" if len(rows) > SHOWN else f"\n{words}")
            _print(rows[:SHOWN])


def _print_restatements(document: dict[str, Any]) -> None:
    """What became known since; some rows, `--json` has all."""
    rows = [{name: one[name] for name in _RESTATED} for one in document["restatements"]]
    print(f"\nWhat became known since: {len(rows):,}")
    _print(rows[:SHOWN])


_RESTATED = ("day", "customer", "currency", "difference_minor", "causes", "objects", "known_at")


def _text(name: str, value: object, row: dict[str, object]) -> str:
    """A field for people: money in its currency, rates in per cent, counts with separators."""
    from pipelines.money import format_money, format_share

    if name.endswith("_minor"):
        booked = row.get("settlement_currency") if name in ("fees_minor", "net_minor") else None
        booked = booked or row.get("reporting_currency") or row["currency"]
        return "–" if value is None else format_money(int(str(value)), str(booked))
    if "_rate" in name or name in SHARES:
        return format_share(value if isinstance(value, float) else None)
    if name == "quick_ratio" and isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return f"{value:,}" if isinstance(value, int) else "–" if value is None else str(value)
