"""Whether this installation can do its work: its folder and disk, its settings, what its Stripe key may read.

A look changes nothing; only `at_stripe` and `at_the_mailer` leave this machine, with small questions.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import stripe

from pipelines.errors import MillstreamError
from pipelines.landing import Landing
from pipelines.mail import obstacles, refusal
from pipelines.settings import Settings
from pipelines.stripe import StripeApi, missing_permissions

ROOM = 1024**3
"""Bytes that should be free: a build writes its tables aside before it replaces them."""
SKEW = 5.0
"""Seconds by which this machine's clock may differ from Stripe's."""
TIMEOUT = 2.0
"""Seconds for a question to Stripe or the mailer: somebody waits for the answer."""


class Problem(NamedTuple):
    """Something that is wrong, and what to do about it."""

    what: str
    mend: str


def disk(settings: Settings) -> tuple[dict[str, Any], list[Problem]]:
    """Bytes that are free and bytes in use, by the name in the data folder."""
    folder = settings.data_dir
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    used = {path.name: _size(path) for path in sorted(folder.iterdir())} if folder.is_dir() else {}
    problems = []
    if not os.access(there, os.W_OK | os.X_OK):
        problems.append(
            Problem(
                f"The data folder {folder} can not be written.", "Give this user the right, or set MILLSTREAM_DATA_DIR."
            )
        )
    if free < ROOM:
        told = f"Only {free / 1024**2:,.0f} MB are free on the disk of the data folder."
        problems.append(Problem(told, "Make room; what a full disk interrupts is whole again after the next run."))
    return {"free_bytes": free, "used_bytes": used}, problems


def configuration(settings: Settings) -> list[Problem]:
    """Settings that do not go together."""
    problems = []
    if settings.mailer != "outbox":
        if not settings.postal_address:
            problems.append(
                Problem(
                    f"Mails go out by {settings.mailer}, but there is no postal address to put into them.",
                    "Set MILLSTREAM_POSTAL_ADDRESS; the law asks for it.",
                )
            )
        problems += [
            Problem(f"Mails can not go out by {settings.mailer}: {what}.", mend) for what, mend in obstacles(settings)
        ]
    if settings.mailer == "sendgrid" and not settings.sendgrid_webhook_public_key:
        problems.append(
            Problem(
                "Mails go out by sendgrid, but its events are refused: bounces and complaints suppress nobody.",
                "Set SENDGRID_WEBHOOK_PUBLIC_KEY (docs/webhooks.md).",
            )
        )
    if settings.stripe_api_key is None:
        return problems
    key = settings.stripe_api_key.get_secret_value()
    if key.startswith("sk_live_"):
        problems.append(
            Problem(
                "The Stripe key is a secret key: whoever gets hold of it can move money.",
                "Make a restricted key that may only read (docs/stripe.md), and set STRIPE_API_KEY to it.",
            )
        )
    mode = "live" if "_live_" in key else "test"
    if settings.stripe_mode not in ("auto", mode):
        problems.append(
            Problem(
                f"The Stripe key is of {mode} mode, but figures are of {settings.stripe_mode} mode.",
                "Set MILLSTREAM_STRIPE_MODE to the key's mode, or to auto.",
            )
        )
    return problems


def at_the_mailer(settings: Settings) -> list[Problem]:
    """What the configured mailer says of us; asks it, and hands nothing over."""
    told = refusal(settings, seconds=TIMEOUT)
    if told is None:
        return []
    mend = "Look at what it names (docs/mailers.md), then look again."
    return [Problem(f"Mails can not go out by {settings.mailer}: {told}.", mend)]


def deliveries(settings: Settings) -> list[Problem]:
    """Accounts whose webhooks come in, and that nobody reads."""
    if settings.stripe_api_key is None:
        return []
    known = set(settings.stripe_accounts)
    told = {
        segment.options.get("account", "default")
        for segment in Landing(settings.landing_dir).segments("stripe")
        if segment.options.get("source") == "webhook"
    }
    return [
        Problem(
            f"Webhooks of the Stripe account {account} come in, but it is not among those that are read.",
            "Add it to MILLSTREAM_STRIPE_ACCOUNTS.",
        )
        for account in sorted(told - known)
    ]


def at_stripe(settings: Settings) -> tuple[dict[str, Any], list[Problem]]:
    """What the key is, and for each account what it may not read; asks Stripe."""
    if settings.stripe_api_key is None:
        return {"key": None, "mode": None, "clock_skew_seconds": None, "accounts": []}, []
    key = settings.stripe_api_key.get_secret_value()
    kind = "restricted" if key.startswith("rk_") else "secret"
    accounts: list[dict[str, Any]] = []
    problems: list[Problem] = []
    skew = None
    for account in settings.stripe_accounts:
        api = StripeApi(
            settings, account=account, attempts=1, transport=stripe.RequestsClient(timeout=(TIMEOUT, TIMEOUT))
        )
        try:
            missing, refusal = missing_permissions(api), None
        except MillstreamError as problem:
            missing, refusal = {}, str(problem)
            problems.append(Problem(f"Stripe, account {account}: {refusal}", "Mend what it names, then look again."))
        if missing:
            told = ", ".join(f"{path} ({name})" if name else path for path, name in missing.items())
            problems.append(
                Problem(
                    f"The Stripe key may not read, in account {account}: {told}.",
                    "Give the restricted key these read permissions (docs/stripe.md).",
                )
            )
        accounts.append({"account": account, "refusal": refusal, "missing_permissions": missing})
        if api.stripe_time is not None:
            skew = (datetime.now(UTC) - api.stripe_time).total_seconds()
    # Stripe tells whole seconds.
    if skew is not None and abs(skew) > SKEW + 1:
        problems.append(
            Problem(
                f"This machine's clock is {skew:+.0f} s off Stripe's.", "Let NTP set it (timedatectl set-ntp true)."
            )
        )
    return {"key": kind, "mode": api.mode, "clock_skew_seconds": skew, "accounts": accounts}, problems


def _size(path: Path) -> int:
    """Bytes below a path; a file that goes meanwhile counts for nothing."""
    total = 0
    for part in (path, *path.rglob("*")) if path.is_dir() else (path,):
        try:
            total += part.lstat().st_size if part.is_file() else 0
        except FileNotFoundError:
            continue
    return total
