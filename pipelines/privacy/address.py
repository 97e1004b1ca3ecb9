"""E-mail addresses: one spelling per address, its key, and a masked form for the eyes.

Two spellings are one address when they differ in case, in Unicode composition or in the spelling
of the domain (IDNA). Dots and plus signs stay: only the owner's provider knows what they mean.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from pipelines.errors import UsageError


class InvalidAddressError(UsageError):
    """This text is no address that mail can go to; the message never quotes it."""


@dataclass(frozen=True)
class Address:
    """One address: `deliverable` is what a mail is sent to, `normal` what it is compared by."""

    deliverable: str
    normal: str

    @property
    def key(self) -> str:
        """SHA-256 of the normal form, in hex."""
        return hashlib.sha256(self.normal.encode()).hexdigest()


@lru_cache(maxsize=4096)
def parse_address(email: str) -> Address:
    """Read one address.

    Raises:
        InvalidAddressError: it can not be mailed.
    """
    try:
        found = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise InvalidAddressError("this is no e-mail address") from None
    domain = (found.ascii_domain or found.domain).lower()
    local = unicodedata.normalize("NFC", found.local_part)
    lowered = unicodedata.normalize("NFC", local.lower())
    return Address(deliverable=f"{local}@{domain}", normal=f"{lowered}@{domain}")


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
