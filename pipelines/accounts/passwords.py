"""Passwords: what one has to be, and the scrypt hash that is kept of it.

A hash carries its own cost, so that the cost can be raised later: `is_current` says whether one was made with today's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from functools import cache

from pipelines.errors import UsageError

SHORTEST, LONGEST = 12, 256
_LOG_N, _R, _P = 15, 8, 3
"""32 MB and a quarter of a second; one of the settings that OWASP names."""
_SALT = 16
_LENGTH = 32


def check_password(password: str) -> None:
    """Refuse a password that is too short to be one.

    Raises:
        UsageError: its length; what it was is not told.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"a password has {SHORTEST} to {LONGEST} characters. Nothing was changed.")


def hash_password(password: str) -> str:
    """What is kept of a password: `scrypt$15$8$3$salt$hash`."""
    salt = secrets.token_bytes(_SALT)
    digest = _derive(password, salt, _LOG_N, _R, _P)
    return "$".join(("scrypt", str(_LOG_N), str(_R), str(_P), _text(salt), _text(digest)))


def fits(password: str, kept: str | None) -> bool:
    """Whether it is the password that was kept. Takes as long where nothing was: time tells nobody who is known."""
    _, log_n, r, p, salt, digest = (kept or _nobody()).split("$")
    wanted = base64.b64decode(digest)
    found = _derive(password[: LONGEST + 1], base64.b64decode(salt), int(log_n), int(r), int(p))
    return hmac.compare_digest(found, wanted) and kept is not None


def is_current(kept: str) -> bool:
    """Whether a hash was made with the cost of today."""
    return kept.startswith(f"scrypt${_LOG_N}${_R}${_P}$")


@cache
def _nobody() -> str:
    return hash_password(secrets.token_urlsafe())


def _derive(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    # The same password typed on another keyboard is the same bytes.
    raw = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    memory = 128 * r * (2**log_n + p + 2)
    return hashlib.scrypt(raw, salt=salt, n=2**log_n, r=r, p=p, maxmem=2 * memory, dklen=_LENGTH)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
