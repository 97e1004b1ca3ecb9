"""Reports as people ask for them: names, days and currencies as they were written, checked, then answered.

The command line and the API both come here, so a call that can not be meant is refused in the same words.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Literal, get_args

from pipelines.errors import UsageError
from pipelines.moments import end_of_day, parse_day
from pipelines.revenue.accounts import check_account
from pipelines.revenue.apart import movements_by_group, mrr_by_group
from pipelines.revenue.cash import cash
from pipelines.revenue.clocks import as_reported
from pipelines.revenue.compare import compare
from pipelines.revenue.diff import diff
from pipelines.revenue.explain import explain
from pipelines.revenue.groupings import GROUPS
from pipelines.revenue.ledger import NATIVE
from pipelines.revenue.profiles import DEFAULT_PROFILE, check_profile
from pipelines.revenue.rates import load_rates
from pipelines.revenue.reports import RatesOf, churn, movements, mrr
from pipelines.revenue.summary import last_whole_day
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.warehouse import Snapshot, SnapshotReader

Report = Literal["mrr", "movements", "churn", "cash", "compare", "diff"]
Grain = Literal["day", "week", "month"]
Explained = Literal["mrr", "movements", "cash"]

_WHOLE: dict[str, Callable[..., dict[str, object]]] = {
    "mrr": mrr,
    "movements": movements,
    "churn": churn,
    "cash": cash,
    "diff": diff,
    "compare": compare,
}
_APART: dict[str, Callable[..., dict[str, object]]] = {
    "mrr": mrr_by_group,
    "movements": movements_by_group,
}
"""Reports that can be taken apart, each by every group."""


def check_group(report: str, group: str | None) -> None:
    """Refuse a report that can not be taken apart, and a group that there is none of.

    Raises:
        UsageError: naming what there is.
    """
    if group is not None and (report not in _APART or group not in GROUPS):
        raise UsageError(
            f"--group {group}: {report} can not be taken apart by it; "
            f"{' and '.join(_APART)} can, by {', '.join(GROUPS)}."
        )


def check_against(report: str, against: int | None) -> None:
    """`--against` belongs to `diff`, and `diff` to it.

    Raises:
        UsageError: one without the other.
    """
    if (report == "diff") != (against is not None):
        raise UsageError("--against SNAPSHOT: `revenue diff` needs it, and no other report takes it.")


def check_rates_of(report: str, group: str | None, profile: str, rates_of: RatesOf) -> None:
    """The rates of the day after are Stripe's own way to report MRR, and nobody else's.

    Raises:
        UsageError: asked of another report, group or profile.
    """
    if rates_of != "day" and (report, group, profile) != ("mrr", None, DEFAULT_PROFILE):
        raise UsageError(
            f"--rates-of {rates_of}: only mrr of the profile {DEFAULT_PROFILE}, not taken apart, knows it."
        )


def reported_moment(
    report: str, group: str | None, rates_of: RatesOf, text: str | None, timezone: str
) -> datetime | None:
    """`--as-reported`: the end of a day, or a moment; the figures that were kept are whole ones of two reports.

    Raises:
        UsageError: no day, or asked of another report.
    """
    if text is not None and (report not in ("mrr", "movements") or group is not None or rates_of != "day"):
        raise UsageError(
            "--as-reported: only mrr and movements know it, not taken apart and by rates of the day itself."
        )
    try:
        return end_of_day(text, timezone)
    except UsageError:
        raise UsageError(f"--as-reported {text}: write a date (2026-11-24) or a time with its zone.") from None


def asked_report(
    snapshot: Snapshot,
    settings: Settings,
    report: str,
    *,
    date_from: str | None = None,
    date_to: str | None = None,
    by: str = "month",
    currency: str | None = None,
    group: str | None = None,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
    against: int | None = None,
    rates_of: RatesOf = "day",
    reported_on: str | None = None,
) -> dict[str, object]:
    """The document of `millstream revenue REPORT --json`; `diff` compares with the kept snapshot `against`.

    Raises:
        UsageError: a report, day, group, currency, account, profile or snapshot that can not be meant.
    """
    if report not in get_args(Report):
        raise UsageError(f"there is no report {report!r}; write one of {', '.join(get_args(Report))}.")
    check_group(report, group)
    check_against(report, against)
    check_rates_of(report, group, profile, rates_of)
    moment = reported_moment(report, group, rates_of, reported_on, settings.reporting_timezone)
    check_account(snapshot, account)
    check_profile(snapshot, profile)
    last = parse_day("--to", date_to) or last_whole_day(snapshot, settings.reporting_timezone)
    first = parse_day("--from", date_from) or last.replace(year=last.year - 1, day=1)
    if first > last:
        raise UsageError(f"--from {first} lies after --to {last}.")
    question = _WHOLE[report] if group is None else partial(_APART[report], group=group)
    if moment is not None:
        question = partial(as_reported, engine=open_state(settings), report=report, moment=moment)
    if rates_of != "day":
        question = partial(question, rates_of=rates_of)
    if against is not None:
        question = partial(question, against=SnapshotReader(settings.published_dir).kept(against))
    return question(
        snapshot,
        date_from=first,
        date_to=last,
        by=by,
        currency=wanted_currency(snapshot, currency or settings.reporting_currency),
        timezone=settings.reporting_timezone,
        account=account,
        profile=profile,
    )


def asked_explanation(
    snapshot: Snapshot,
    settings: Settings,
    report: str,
    *,
    at: str,
    customer: str | None = None,
    currency: str | None = None,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
) -> dict[str, Any]:
    """The document of `millstream explain REPORT --json`.

    Raises:
        UsageError: a day, currency, customer, account or profile that can not be meant.
    """
    day = parse_day("--at", at)
    assert day is not None
    check_account(snapshot, account)
    check_profile(snapshot, profile)
    return explain(
        snapshot,
        report,
        at=day,
        customer=customer,
        currency=wanted_currency(snapshot, currency or settings.reporting_currency),
        timezone=settings.reporting_timezone,
        account=account,
        profile=profile,
    )


def wanted_currency(snapshot: Snapshot, text: str) -> str:
    """`--currency`: an upper-case code that there are rates for, or `native`.

    Raises:
        UsageError: a currency without any rate.
    """
    if text.lower() == NATIVE:
        return NATIVE
    wanted = text.upper()
    if not load_rates(snapshot).knows(wanted):
        raise UsageError(
            f"--currency {wanted}: there are no exchange rates for it; write one like USD or EUR, or native."
        )
    return wanted
