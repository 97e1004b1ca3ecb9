"""The links in mails: signed tokens that name an address key and what it is about. Nothing is stored for them.

The unsubscribe link never expires, so it works in an old mail after the ledger was cleared. The link that
confirms a consent names the moment of its request, and counts once the ledger holds that request.
The web routes that answer both are the gateway's.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pipelines.errors import UsageError

_UNSUBSCRIBE = b"millstream.unsubscribe.1|"
_CONFIRM = b"millstream.confirm.1|"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 600
"""Characters of a token: a key, a name of a hundred letters in any script, a signature."""


class Unsubscription(NamedTuple):
    """What an unsubscribe link asks for."""

    address_key: str
    campaign: str


class Confirmation(NamedTuple):
    """What a confirm link says: yes to the request of that moment."""

    address_key: str
    purpose: str
    requested_at: datetime


def unsubscribe_token(secret: bytes, address_key: str, campaign: str) -> str:
    """The signed token for one address (key in hex) and campaign; safe in a URL."""
    return _signed(secret, _UNSUBSCRIBE, bytes.fromhex(address_key) + campaign.encode())


def read_token(secret: bytes, token: str) -> Unsubscription:
    """What an unsubscribe token asks for.

    Raises:
        UsageError: this installation did not sign it.
    """
    try:
        payload = _checked(secret, _UNSUBSCRIBE, token)
        return Unsubscription(payload[:32].hex(), payload[32:].decode())
    except (ValueError, binascii.Error):
        raise UsageError("this unsubscribe link is not valid; nothing was changed.") from None


def confirm_token(secret: bytes, confirmation: Confirmation) -> str:
    """The signed token that says yes to one request."""
    moment = (confirmation.requested_at - _EPOCH) // timedelta(microseconds=1)
    payload = bytes.fromhex(confirmation.address_key) + moment.to_bytes(8, "big", signed=True)
    return _signed(secret, _CONFIRM, payload + confirmation.purpose.encode())


def read_confirm_token(secret: bytes, token: str) -> Confirmation:
    """What a confirm token says.

    Raises:
        UsageError: this installation did not sign it.
    """
    try:
        payload = _checked(secret, _CONFIRM, token)
        moment = _EPOCH + timedelta(microseconds=int.from_bytes(payload[32:40], "big", signed=True))
        return Confirmation(payload[:32].hex(), payload[40:].decode(), moment)
    except (ValueError, binascii.Error, OverflowError):
        raise UsageError("this link is not valid; nothing was changed.") from None


def _signed(secret: bytes, purpose: bytes, payload: bytes) -> str:
    return f"{_text(payload)}.{_text(hmac.digest(secret, purpose + payload, 'sha256'))}"


def _checked(secret: bytes, purpose: bytes, token: str) -> bytes:
    if len(token) > _LONGEST:
        raise ValueError("too long")
    payload, signature = (_bytes(part) for part in token.split(".", 1))
    if not hmac.compare_digest(signature, hmac.digest(secret, purpose + payload, "sha256")):
        raise ValueError("wrong signature")
    return payload


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
