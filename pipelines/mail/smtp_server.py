"""Which mail server to speak to, read from MILLSTREAM_SMTP_URL, and whether the wire is private enough for it.

`smtps://` is TLS from the first byte; `smtp://` to another machine begins with STARTTLS and goes on
only under a certificate that holds. A password never crosses an open wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr

_PORTS = {"smtp": 587, "smtps": 465}
_HERE = ("127.0.0.1", "localhost", "::1")
_FORM = "write it like smtp://user:password@host:587 or smtps://user:password@host:465"


@dataclass(frozen=True)
class SmtpServer:
    """A server and how to be let in."""

    host: str
    port: int
    wire: Literal["tls", "starttls", "open"]
    user: str
    password: SecretStr


def smtp_server(url: str) -> SmtpServer:
    """Read the setting; `?starttls=never` leaves STARTTLS out for a relay in one's own network.

    Raises:
        ValueError: it can not be meant; the message holds neither user nor password.
    """
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"its port is no number; {_FORM}") from None
    if parts.scheme not in _PORTS or not host or parts.path not in ("", "/"):
        raise ValueError(_FORM)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii() or not (user + password + "x").isprintable():
        raise ValueError("its user and password must be plain ASCII")
    if bool(user) != bool(password):
        raise ValueError(f"it names a user without a password, or the other way round; {_FORM}")
    chosen = parse_qs(parts.query).get("starttls", ["never" if host in _HERE else "always"])[-1]
    if chosen not in ("always", "never"):
        raise ValueError("starttls is always or never")
    if parts.scheme == "smtp" and chosen == "never" and user and host not in _HERE:
        raise ValueError("a password needs TLS: leave ?starttls=never out, or use smtps://")
    wire: Literal["tls", "starttls", "open"] = "starttls" if chosen == "always" else "open"
    return SmtpServer(
        host, port or _PORTS[parts.scheme], "tls" if parts.scheme == "smtps" else wire, user, SecretStr(password)
    )
