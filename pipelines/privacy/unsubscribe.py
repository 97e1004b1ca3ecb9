"""The unsubscribe link: a signed token that names an address key and a campaign, and never expires.

Nothing is stored for it, so a link in an old mail works after the ledger was cleared. The web
route that answers it is the gateway's.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pipelines.errors import UsageError
from pipelines.files import sync_folder
from pipelines.settings import Settings

_PURPOSE = b"millstream.unsubscribe.1|"
_KEY_FILE = "secret.key"


class Unsubscription(NamedTuple):
    """What a token asks for."""

    address_key: str
    campaign: str


def secret_key(settings: Settings) -> bytes:
    """`MILLSTREAM_SECRET_KEY`, or a key made once and kept in the data folder (mode 0600)."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / _KEY_FILE
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return _make_key(path)


def _make_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_hex(32).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    with suppress(FileExistsError):  # Another process was first: then its key holds.
        os.link(aside, path)
    aside.unlink()
    sync_folder(path.parent)
    return path.read_bytes()


def unsubscribe_token(secret: bytes, address_key: str, campaign: str) -> str:
    """The signed token for one address (key in hex) and campaign; safe in a URL."""
    payload = bytes.fromhex(address_key) + campaign.encode()
    return f"{_text(payload)}.{_text(_signature(secret, payload))}"


def read_token(secret: bytes, token: str) -> Unsubscription:
    """What a token asks for.

    Raises:
        UsageError: this installation did not sign it.
    """
    try:
        payload, signature = (_bytes(part) for part in token.split(".", 1))
        if not hmac.compare_digest(signature, _signature(secret, payload)):
            raise ValueError("wrong signature")
        return Unsubscription(payload[:32].hex(), payload[32:].decode())
    except (ValueError, binascii.Error):
        raise UsageError("this unsubscribe link is not valid; nothing was changed.") from None


def _signature(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + payload, "sha256")


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
