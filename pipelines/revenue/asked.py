"""Reports as people ask for them: names, days and currencies as they were written, checked, then answered.

The command line and the API both come here, so a call that can not be meant is refused in the same words.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

from pipelines.errors import UsageError
from pipelines.moments import parse_day
from pipelines.revenue.accounts import check_account
from pipelines.revenue.apart import movements_by_group, mrr_by_group
from pipelines.revenue.buyers import buyer_cohorts
from pipelines.revenue.cash import cash
from pipelines.revenue.clocks import as_reported
from pipelines.revenue.cohorts import cohorts
from pipelines.revenue.compare import compare
from pipelines.revenue.deferred import deferred
from pipelines.revenue.diff import diff
from pipelines.revenue.explain import explain
from pipelines.revenue.ledger import NATIVE
from pipelines.revenue.ltv import ltv
from pipelines.revenue.options import (
    check_against,
    check_group,
    check_options,
    check_published,
    check_rates_of,
    reported_moment,
)
from pipelines.revenue.profiles import DEFAULT_PROFILE, check_profile
from pipelines.revenue.question import Question
from pipelines.revenue.rates import load_rates
from pipelines.revenue.ratios import arpa, quick_ratio
from pipelines.revenue.recovery import recovery
from pipelines.revenue.reports import RatesOf, churn, movements, mrr
from pipelines.revenue.retained import nrr
from pipelines.revenue.scheduled import scheduled
from pipelines.revenue.summary import last_whole_day
from pipelines.revenue.survival import survival
from pipelines.revenue.trials import trials
from pipelines.settings import Settings
from pipelines.state import open_state
from pipelines.warehouse import Snapshot, SnapshotReader

Explained = Literal[
    "mrr", "movements", "churn", "nrr", "quick_ratio", "arpa", "ltv", "cohorts", "survival", "trials", "recovery",
    "scheduled", "deferred", "cash",
]  # fmt: skip
"""What has rows behind its numbers."""
Report = Literal[Explained, "diff", "compare"]
Basis = Literal["mrr", "payments"]
Grain = Literal["day", "week", "month"]

_WHOLE: dict[str, Callable[..., dict[str, object]]] = {
    "mrr": mrr,
    "movements": movements,
    "churn": churn,
    "nrr": nrr,
    "quick_ratio": quick_ratio,
    "arpa": arpa,
    "ltv": ltv,
    "cohorts": cohorts,
    "survival": survival,
    "trials": trials,
    "recovery": recovery,
    "scheduled": scheduled,
    "deferred": deferred,
    "cash": cash,
    "diff": diff,
    "compare": compare,
}
_APART: dict[str, Callable[..., dict[str, object]]] = {
    "mrr": mrr_by_group,
    "movements": movements_by_group,
}


def asked_report(
    snapshot: Snapshot,
    settings: Settings,
    report: str,
    *,
    date_from: str | None = None,
    date_to: str | None = None,
    by: Grain | None = None,
    currency: str | None = None,
    group: str | None = None,
    basis: str | None = None,
    account: str | None = None,
    profile: str = DEFAULT_PROFILE,
    against: int | None = None,
    rates_of: RatesOf = "day",
    reported_on: str | None = None,
) -> dict[str, object]:
    """The document of `millstream revenue REPORT --json`; `diff` compares with the kept snapshot `against`.

    Raises:
        UsageError: a report, day, length of a period, group, basis, currency, account, profile or snapshot that can
            not be meant.
        MillstreamError: the snapshot was made before this report was.
    """
    if report not in get_args(Report):
        raise UsageError(f"there is no report {report!r}; write one of {', '.join(get_args(Report))}.")
    check_group(report, group)
    check_options(report, by=by, currency=currency, basis=basis)
    check_against(report, against)
    check_rates_of(report, group, profile, rates_of)
    moment = reported_moment(report, group, rates_of, reported_on, settings.reporting_timezone)
    check_account(snapshot, account)
    check_profile(snapshot, profile)
    check_published(snapshot, report)
    last = parse_day("--to", date_to) or last_whole_day(snapshot, settings.reporting_timezone)
    first = parse_day("--from", date_from) or last.replace(year=last.year - 1, day=1)
    if first > last:
        raise UsageError(f"--from {first} lies after --to {last}.")
    told = _WHOLE[report] if group is None else partial(_APART[report], group=group)
    if basis == "payments":
        told = buyer_cohorts
    if moment is not None:
        told = partial(as_reported, engine=open_state(settings), report=report, moment=moment)
    if rates_of != "day":
        told = partial(told, rates_of=rates_of)
    if against is not None:
        told = partial(told, against=SnapshotReader(settings.published_dir).kept(against))
    question = Question(
        date_from=first,
        date_to=last,
        by=by or "month",
        currency=wanted_currency(snapshot, currency or settings.reporting_currency),
        timezone=settings.reporting_timezone,
        account=account,
        profile=profile,
    )
    return told(snapshot, question)


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
    check_options(report, by=None, currency=currency, basis=None)
    check_account(snapshot, account)
    check_published(snapshot, report)
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
