"""`millstream demo`: a made-up business, the whole main job on it over the real code paths, the pages."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import emit, note
from pipelines.errors import UsageError
from pipelines.settings import Settings, load_settings

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; implies --once.")]
STEPS = 7


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("demo")(demo)


def demo(
    customers: Annotated[int | None, typer.Option(help="People who sign up. [default: 2000]", min=1)] = None,
    months: Annotated[int | None, typer.Option(help="Months of history. [default: 24]", min=1, max=60)] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another business. [default: 7]")] = None,
    until: Annotated[str | None, typer.Option(help="Last midnight (UTC) of the story. [default: today]")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop after the summary.")] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    port: Annotated[int, typer.Option(help="Port of the dashboards.")] = 8501,
    as_json: AsJson = False,
) -> None:
    """A realistic business, the whole job on it, and the dashboards. Offline; no key is needed."""
    from pipelines.demo.folder import Story, open_folder

    folder = Path(os.environ.get("MILLSTREAM_DATA_DIR") or "data/demo").resolve()
    story = Story(customers=customers, months=months, seed=seed, until=_day(until))
    steps = _Steps()
    business, reused = open_folder(folder, story, today=datetime.now(UTC).date())
    steps.done("Business", "reused" if reused else "made", folder=str(folder))
    settings = _only_the_demo(folder)
    with _fake_stripe(business) as base:
        summary = _whole_job(settings, business, base, steps)
    if as_json:
        emit(summary)
        return
    _print(summary)
    if not once:
        _open_pages(port, no_open)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--until {text}: write a date like 2026-11-24.") from None


def _only_the_demo(folder: Path) -> Settings:
    """Point every setting to the demo, so that a real `.env` nearby is never used."""
    os.environ.update(
        MILLSTREAM_DATA_DIR=str(folder),
        MILLSTREAM_STATE_URL=f"sqlite:///{folder / 'state.sqlite'}",
        MILLSTREAM_REPORTING_TIMEZONE="UTC",
        MILLSTREAM_REPORTING_CURRENCY="USD",
        MILLSTREAM_MAILER="outbox",
        MILLSTREAM_SEND_MODE="dry",
        MILLSTREAM_CONSENT="required",
        MILLSTREAM_FROM_EMAIL="hello@example.com",
        MILLSTREAM_POSTAL_ADDRESS="Northwind Digital, 1 Example Street, 10115 Berlin",
        STRIPE_API_KEY="sk_test_demo",
    )
    return load_settings()


@contextmanager
def _fake_stripe(business: Path) -> Iterator[str]:
    from pipelines.demo.stripe_server import serving

    with serving(business) as base:
        os.environ["STRIPE_API_BASE"] = base
        yield base


@dataclass
class _Steps:
    """Progress lines with the time each step took."""

    began: float = field(default_factory=time.monotonic)
    count: int = 0

    def done(self, name: str, *words: str, **more: str) -> None:
        self.count += 1
        seconds = time.monotonic() - self.began
        self.began = time.monotonic()
        told = " · ".join([*words, *(f"{key} {value}" for key, value in more.items())])
        note(f" ✓ {self.count}/{STEPS} {name:<12} {told}  ({seconds:.1f} s)")


def _whole_job(settings: Settings, business: Path, base: str, steps: _Steps) -> dict[str, object]:
    from pipelines.cli.revenue import newest_snapshot, reconcile_document
    from pipelines.cli.run import run_pipeline
    from pipelines.demo import documents
    from pipelines.demo.job import record_past, save_documents, send_campaign
    from pipelines.events import ingest_files
    from pipelines.revenue import summary
    from pipelines.stripe import StripeApi, sync

    settings = load_settings()
    now = settings.now()
    payments = sync(settings, StripeApi(settings), now=now)
    steps.done("Stripe", f"{payments.read:,} objects read", f"{payments.loaded:,} new")
    events = ingest_files(settings, [str(business / "events")], now=now)
    steps.done("Events", f"{events.read:,} lines", f"{events.loaded:,} new", f"{events.quarantined:,} set aside")
    save_documents(settings, business, now=now)
    mails = record_past(settings, business, now=now)
    steps.done("Past mail", f"{mails.read:,} events of SendGrid", f"{mails.loaded:,} new")
    number = run_pipeline(settings)
    steps.done("Pipeline", f"models, checks, snapshot {number}, segments")
    report = send_campaign(settings, now=now)
    steps.done("Campaign", f"{documents.CAMPAIGN_NAME}: {report['certificate']}")
    snapshot = newest_snapshot(settings)
    figures = summary(snapshot, currency=settings.reporting_currency, timezone=settings.reporting_timezone)
    reconciled = reconcile_document(settings, snapshot)
    steps.done("Reconcile", f"{len(list(reconciled['rows']))} sums against Stripe's lists")  # type: ignore[call-overload]
    return {
        "data_dir": str(settings.data_dir),
        "snapshot": snapshot.number,
        "as_of": snapshot.as_of,
        "day": figures.day,
        "currency": figures.currency,
        "mrr_minor": figures.mrr_minor,
        "mrr_before_minor": figures.mrr_before_minor,
        "customers": figures.customers,
        "customer_churn_rate_rolling_30d": figures.customer_churn_rate_30d,
        "unexplained_minor": reconciled["unexplained_minor"],
        "campaign": report,
    }


def _print(summary: dict[str, object]) -> None:
    from pipelines.money import format_money, format_share

    currency, minor, before = str(summary["currency"]), summary["mrr_minor"], summary["mrr_before_minor"]
    assert isinstance(minor, int)
    assert isinstance(before, int)
    change = f" ({minor / before - 1:+.1%} in 30 days)" if before else ""
    churn = summary["customer_churn_rate_rolling_30d"]
    assert churn is None or isinstance(churn, float)
    print()
    print(f"   MRR {format_money(minor, currency)}{change}")
    print(f"   {summary['customers']:,} paying customers · churn {format_share(churn)} in 30 days")
    difference = summary["unexplained_minor"]
    print(f"   reconciled with Stripe: difference {difference}")
    print(f"   Mails are in {summary['data_dir']}/outbox; none left this machine.")
    print(f"   Ask more: MILLSTREAM_DATA_DIR={summary['data_dir']} millstream revenue movements")


def _open_pages(port: int, no_open: bool) -> None:
    from pipelines.cli.serve import serve_dashboards

    serve_dashboards(port, open_browser=not no_open)
