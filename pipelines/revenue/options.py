"""Options of the reports that can not be meant together, each refused in words that name it."""

from __future__ import annotations

from datetime import datetime

from pipelines.errors import MillstreamError, UsageError
from pipelines.moments import end_of_day
from pipelines.revenue.groupings import GROUPS
from pipelines.revenue.profiles import DEFAULT_PROFILE
from pipelines.revenue.reports import RatesOf
from pipelines.warehouse import Snapshot

APART = ("mrr", "movements")
"""Reports that can be taken apart, each by every group."""
_NEEDS = {
    "survival": "marts.fct_subscription_lifetimes",
    "trials": "marts.fct_trials",
    "recovery": "marts.fct_failed_invoices",
    "scheduled": "marts.fct_scheduled_cancellations",
    "deferred": "marts.fct_invoice_lines",
    "compare": "marts.fct_mrr_differences",
}
_WITHOUT_MONEY = ("survival", "trials")


def check_group(report: str, group: str | None) -> None:
    """Refuse a report that can not be taken apart, and a group that there is none of.

    Raises:
        UsageError: naming what there is.
    """
    if group is not None and (report not in APART or group not in GROUPS):
        raise UsageError(
            f"--group {group}: {report} can not be taken apart by it; "
            f"{' and '.join(APART)} can, by {', '.join(GROUPS)}."
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


def check_options(report: str, *, by: str | None, currency: str | None, basis: str | None) -> None:
    """Refuse an option that says nothing about this report.

    Raises:
        UsageError: naming the option, and why.
    """
    if by is not None and report == "survival":
        raise UsageError(f"--by {by}: survival counts days since each subscription began; leave it out.")
    if currency is not None and report in _WITHOUT_MONEY:
        raise UsageError(f"--currency {currency}: {report} has no amounts; leave it out.")
    if basis is not None and report != "cohorts":
        raise UsageError(f"--basis {basis}: only cohorts can be made of payments; leave it out.")


def check_published(snapshot: Snapshot, report: str) -> None:
    """Refuse a report whose table an older version did not publish yet.

    Raises:
        MillstreamError: naming what makes it.
    """
    needed = _NEEDS.get(report)
    if needed is not None and not snapshot.has(needed):
        raise MillstreamError(
            f"{needed} is not in snapshot {snapshot.number}, so there is no {report} yet. Run `millstream build`."
        )
