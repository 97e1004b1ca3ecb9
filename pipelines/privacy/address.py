"""E-mail addresses: one spelling per address, its key, and a masked form for the eyes.

Two spellings are one address when they differ in case, in Unicode composition or in the spelling
of the domain (IDNA). Dots and plus signs stay: only the owner's provider knows what they mean.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, ValidatedEmail, validate_email
from email_validator.rfc_constants import ATEXT, CASE_INSENSITIVE_MAILBOX_NAMES, EMAIL_MAX_LENGTH

from pipelines.errors import UsageError

_PLAIN = re.compile(rf"([{ATEXT}]+(?:\.[{ATEXT}]+)*)@([A-Za-z0-9.-]+)")
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# What has two hyphens in the third place is IDNA or nothing, and no top-level domain ends with a digit.
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+(?<=[a-z])")
_RESERVED = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES if name != "test")


class InvalidAddressError(UsageError):
    """This text is no address that mail can go to; the message never quotes it."""


class Address(NamedTuple):
    """One address: `deliverable` is what a mail is sent to, `normal` what it is compared by."""

    deliverable: str
    normal: str
    key: str
    """SHA-256 of the normal form, in hex."""


@lru_cache(maxsize=4096)
def parse_address(email: str) -> Address:
    """Read one address.

    Raises:
        InvalidAddressError: it can not be mailed.
    """
    text = email.strip()
    return _plain(text) or _read(text)


def _plain(text: str) -> Address | None:
    """The address, where it is one of the plain ones that nearly all are: twenty times as fast as `_read`.

    What may stand before the @ is written out here, and what a domain of letters, digits and hyphens looks like; of
    any other domain the library is asked, once.
    """
    found = _PLAIN.fullmatch(text)
    if found is None or len(text) > EMAIL_MAX_LENGTH:
        return None
    local, domain = found[1], _plain_domain(found[2])
    if domain is None or (lowered := local.lower()) in CASE_INSENSITIVE_MAILBOX_NAMES:
        return None
    return _address(local, lowered, domain)


@lru_cache(maxsize=65_536)
def _plain_domain(domain: str) -> str | None:
    """The domain in lower case, if it is one and has no other spelling."""
    lowered = domain.lower()
    if _HOST.fullmatch(lowered) and not f".{lowered}".endswith(_RESERVED):
        return lowered
    try:
        found = _validated(f"a@{domain}")
    except EmailNotValidError:
        return None
    return found.domain if found.domain == found.ascii_domain == lowered else None


def _validated(text: str) -> ValidatedEmail:
    return validate_email(text, check_deliverability=False, test_environment=True)


def _read(text: str) -> Address:
    try:
        found = _validated(text)
    except EmailNotValidError:
        raise InvalidAddressError("this is no e-mail address") from None
    domain = (found.ascii_domain or found.domain).lower()
    local = unicodedata.normalize("NFC", found.local_part)
    lowered = unicodedata.normalize("NFC", local.lower())
    return _address(local, lowered, domain)


def _address(local: str, lowered: str, domain: str) -> Address:
    normal = f"{lowered}@{domain}"
    return Address(f"{local}@{domain}", normal, hashlib.sha256(normal.encode()).hexdigest())


def normalise(email: str) -> str:
    """The spelling that addresses are compared by: trimmed, NFC, lower case, IDNA domain."""
    return parse_address(email).normal


def address_key(email: str) -> str:
    """SHA-256 (hex) of the normal form; of a plain ASCII address, of `lower(trim(email))`."""
    return parse_address(email).key


def mask(email: str | None) -> str | None:
    """The address for people who need not know it: `a***@example.com`."""
    if not email or "@" not in email:
        return None
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}"
