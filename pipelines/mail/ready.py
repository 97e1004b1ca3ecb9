"""Whether the configured mailer may mail real people: what stands in its way, and what mends it.

The outbox writes files and needs nothing. `obstacles` is what `doctor` tells and what `mailer_for`
refuses over; no server is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from pipelines.mail.message import is_address
from pipelines.mail.smtp_server import smtp_server
from pipelines.settings import Settings

_HERE = ("127.0.0.1", "localhost", "::1", None)
_NOBODYS = re.compile(r"@(.+\.)?example\.com$", re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]+")


class Obstacle(NamedTuple):
    """Something that is wrong, and what to do about it."""

    what: str
    mend: str


def obstacles(settings: Settings) -> list[Obstacle]:
    """All that keeps the configured mailer from mailing; that it is told to be `dry` is none."""
    if settings.mailer == "outbox":
        return []
    reach = _sendgrid(settings) if settings.mailer == "sendgrid" else _smtp(settings)
    return [*reach, *_in_the_mail(settings)]


def _sendgrid(settings: Settings) -> Iterator[Obstacle]:
    if settings.sendgrid_api_key is None:
        yield Obstacle("there is no key of SendGrid's", "Set SENDGRID_API_KEY.")
    elif not _KEY.fullmatch(settings.sendgrid_api_key.get_secret_value()):
        yield Obstacle("the key of SendGrid's holds blanks or other signs that no key has", "Set SENDGRID_API_KEY.")
    base = urlsplit(settings.sendgrid_api_base)
    if base.scheme != "https" and not (base.scheme == "http" and base.hostname in _HERE[:3]):
        yield Obstacle("the key would go to SENDGRID_API_BASE over an open wire", "Set it to an address with https.")


def _smtp(settings: Settings) -> Iterator[Obstacle]:
    if settings.smtp_url is None:
        yield Obstacle("there is no mail server to hand mails to", "Set MILLSTREAM_SMTP_URL.")
        return
    try:
        smtp_server(settings.smtp_url.get_secret_value())
    except ValueError as problem:
        yield Obstacle("the mail server's address is wrong", f"MILLSTREAM_SMTP_URL: {problem}.")


def _in_the_mail(settings: Settings) -> Iterator[Obstacle]:
    if not is_address(settings.from_email):
        yield Obstacle("MILLSTREAM_FROM_EMAIL is no address", "Set it to an address of yours.")
    elif _NOBODYS.search(settings.from_email):
        yield Obstacle(
            f"mails would come from {settings.from_email}", "Set MILLSTREAM_FROM_EMAIL to an address of yours."
        )
    public = urlsplit(settings.public_url)
    if public.hostname in _HERE:
        yield Obstacle(
            "the unsubscribe links lead to this machine",
            "Set MILLSTREAM_PUBLIC_URL to the address at which the gateway is reached.",
        )
    elif public.scheme != "https":
        yield Obstacle(
            "the unsubscribe links have no https, which mail providers want (RFC 8058)",
            "Set MILLSTREAM_PUBLIC_URL to an address that begins with https.",
        )
