"""A real mail server on loopback that keeps what it gets, and refuses whom a test names."""

from __future__ import annotations

import ssl
from asyncio import Server
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "news", "a-password"


class Postbox:
    """What came in. `refused`: the reply to a recipient; `first`, `last`: to the next MAILs and messages, in order.

    A reply `drop` closes the connection: before DATA nothing was taken, after it the mail was.
    """

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.refused: dict[str, str] = {}
        self.first: list[str] = []
        self.last: list[str] = []
        self.needs_login = False
        self.sessions: set[int] = set()
        self.were_private: list[bool] = []

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.sessions.add(id(session))
        if self.needs_login and not session.authenticated:
            return "530 5.7.0 authentication required"
        if self.first:
            return self._dropping(server, self.first.pop(0))
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (reply := self.refused.get(address)) is not None:
            return self._dropping(server, reply)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = self.last.pop(0) if self.last else "250 OK"
        if reply.startswith(("250", "drop")):
            self.mails.append(envelope)
            self.were_private.append(session.ssl is not None)
        return self._dropping(server, reply)

    def _dropping(self, server: SMTP, reply: str) -> str:
        if reply == "drop":
            assert server.transport is not None
            server.transport.close()
        return reply


def _lets_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, told: LoginPassword) -> AuthResult:
    fits = (told.login, told.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=fits, handled=False)


class _AnyPort(Controller):
    """It tries itself out before it says that it started, and must know its port by then."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def receiving(postbox: Postbox, *, port: int = 0, needs_login: bool = False, **more: Any) -> Iterator[str]:
    """The server while the context lasts; yields `host:port`."""
    postbox.needs_login = needs_login
    login: dict[str, Any] = {"authenticator": _lets_in, "auth_require_tls": False} if needs_login else {}
    controller = _AnyPort(postbox, hostname="127.0.0.1", port=port, **login, **more)
    controller.start()
    try:
        yield f"127.0.0.1:{controller.port}"
    finally:
        controller.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's certificate for localhost, and a client that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))
