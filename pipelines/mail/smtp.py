"""Mails over SMTP, and what each reply means for never mailing anyone twice.

A server has taken a mail when it says so after the last line, and not before: a connection that ends
between the first line of the message and that reply leaves the mail in doubt, at any earlier moment
nothing was handed over. Each thread has a connection of its own that it keeps; one that the server
closed meanwhile is made anew.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from datetime import timedelta
from functools import cached_property

from pipelines.mail.message import Handover, Mail, ascii_domain, is_ours, to_bytes, told_reason
from pipelines.mail.smtp_server import SmtpServer

LATER = timedelta(minutes=1)
"""When to come again after a reply 4xx to a mail: the server is a relay, and one that says so has too much to do."""
_LEAVE = 421
"""The server is about to close the connection."""
_TOO_LARGE = 552
_ABOUT_US = (530, 535, 538)
"""Replies to a recipient that are about who we are."""


class _Gone(Exception):  # noqa: N818 (a way on, not a fault of ours)
    """The server can not go on, and nothing was handed over."""

    def __init__(self, result: Handover) -> None:
        super().__init__(result.outcome)
        self.result = result


class Smtp:
    """A mail server; thread-safe."""

    def __init__(self, server: SmtpServer, *, seconds: float, certificates: ssl.SSLContext | None = None) -> None:
        self._server, self._seconds, self._certificates = server, seconds, certificates
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._opened: set[smtplib.SMTP] = set()

    def hand_over(self, mail: Mail) -> Handover:
        """Give one mail to the server."""
        try:
            content = to_bytes(mail, is_seven_bit=True)
        except ValueError as problem:
            return Handover("rejected", reason=f"unwritable: {type(problem).__name__}")
        kept: smtplib.SMTP | None = getattr(self._mine, "wire", None)
        try:
            if kept is not None:
                try:
                    return self._give(kept, mail, content)
                except _Gone:
                    # It rested too long; nothing of this mail went over it.
                    self._drop(kept)
            return self._give(self._connect(), mail, content)
        except _Gone as gone:
            return gone.result

    def handed_over(self, campaign: str) -> dict[str, int] | None:
        """A mail server can not be asked."""
        return None

    def gave(self, message_id: str) -> bool:
        """Whether it is a Message-ID of ours: over SMTP the mail's id is the one that we gave it."""
        return is_ours(message_id)

    def refusal(self) -> str | None:
        """Why it would not let us in now, asked of it; nothing is handed over."""
        try:
            self._drop(self._connect(), politely=True)
        except _Gone as gone:
            return gone.result.reason
        return None

    def close(self) -> None:
        """Take leave on every connection; a later mail opens new ones."""
        with self._lock:
            opened = list(self._opened)
        self._mine = threading.local()
        for wire in opened:
            self._drop(wire, politely=True)

    @cached_property
    def _name(self) -> str:
        return socket.getfqdn()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._certificates or ssl.create_default_context()

    def _connect(self) -> smtplib.SMTP:
        """A new connection of this thread, private and logged in as the server's address says."""
        at = self._server
        wire: smtplib.SMTP | None = None
        try:
            if at.wire == "tls":
                wire = smtplib.SMTP_SSL(at.host, at.port, self._name, timeout=self._seconds, context=self._context)
            else:
                wire = smtplib.SMTP(at.host, at.port, self._name, timeout=self._seconds)
            with self._lock:
                self._opened.add(wire)
            wire.ehlo_or_helo_if_needed()
            if at.wire == "starttls":
                wire.starttls(context=self._context)
                # What was said in the open does not count any more.
                wire.ehlo_or_helo_if_needed()
            if at.user:
                wire.login(at.user, at.password.get_secret_value())
        except smtplib.SMTPResponseException as problem:
            self._drop(wire)
            raise _Gone(_about_us(problem.smtp_code, problem.smtp_error)) from None
        except smtplib.SMTPNotSupportedError as problem:
            self._drop(wire)
            raise _Gone(Handover("refused", reason=told_reason(str(problem)))) from None
        except (smtplib.SMTPException, OSError) as problem:
            self._drop(wire)
            raise _Gone(_not_sent(problem)) from None
        self._mine.wire = wire
        return wire

    def _give(self, wire: smtplib.SMTP, mail: Mail, content: bytes) -> Handover:
        """One mail over one connection.

        Raises:
            _Gone: the connection is of no more use, and the message was not begun.
        """
        refusal = self._envelope(wire, mail, len(content))
        if refusal is not None:
            self._start_anew(wire)
            return refusal
        try:
            # The message with its last line; what follows is the server's word.
            wire.send(_as_lines(content))
            code, said = wire.getreply()
        except (smtplib.SMTPException, OSError) as problem:
            self._drop(wire)
            return Handover("ambiguous", reason=type(problem).__name__)
        if code == 250:
            return Handover("accepted", message_id=mail.message_id, status=code)
        if code == _LEAVE:
            self._drop(wire)
            return _about_us(code, said)
        return _about_the_mail(code, said, mail)

    def _envelope(self, wire: smtplib.SMTP, mail: Mail, size: int) -> Handover | None:
        """Sender, recipient and the wish to begin; None where the server waits for the message."""
        sender, to = ascii_domain(mail.from_email), ascii_domain(mail.to)
        options = [f"size={size}"] if wire.has_extn("size") else []
        if not (sender + to).isascii():
            if not wire.has_extn("smtputf8"):
                return Handover("rejected", reason="the mail server takes no address that is not plain ASCII")
            options.append("SMTPUTF8")
        try:
            code, said = wire.mail(sender, options)
            if code not in (250, _TOO_LARGE):
                return self._unless_leaving(_about_us(code, said))
            if code == 250:
                code, said = wire.rcpt(to)
                if code in _ABOUT_US:
                    return _about_us(code, said)
                if code // 100 == 2:
                    code, said = wire.docmd("data")
        except (smtplib.SMTPException, OSError) as problem:
            self._drop(wire)
            raise _Gone(_not_sent(problem)) from None
        finally:
            wire.command_encoding = "ascii"
        if code == 354:
            return None
        return self._unless_leaving(_about_us(code, said) if code == _LEAVE else _about_the_mail(code, said, mail))

    @staticmethod
    def _unless_leaving(result: Handover) -> Handover:
        if result.status == _LEAVE:
            raise _Gone(result)
        return result

    def _start_anew(self, wire: smtplib.SMTP) -> None:
        """Forget a transaction that the server refused; the connection is kept where it can."""
        try:
            wire.rset()
        except (smtplib.SMTPException, OSError):
            self._drop(wire)

    def _drop(self, wire: smtplib.SMTP | None, *, politely: bool = False) -> None:
        if wire is None:
            return
        with self._lock:
            self._opened.discard(wire)
        if getattr(self._mine, "wire", None) is wire:
            self._mine.wire = None
        try:
            if politely:
                wire.quit()
        except (smtplib.SMTPException, OSError):
            pass
        finally:
            wire.close()


def _as_lines(content: bytes) -> bytes:
    """The message as it crosses the wire: a line's first dot doubled, and a dot alone at its end."""
    lines = content if content.endswith(b"\r\n") else content + b"\r\n"
    return (b"\r\n" + lines).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def _not_sent(problem: Exception) -> Handover:
    return Handover("not_sent", reason=told_reason(f"{type(problem).__name__}: {problem}"))


def _about_us(code: int, said: bytes | str) -> Handover:
    """A refusal before any recipient was named: for now (4xx), or until somebody mends it (5xx)."""
    return Handover("refused" if code >= 500 else "not_sent", reason=_told(code, said), status=code)


def _about_the_mail(code: int, said: bytes | str, mail: Mail) -> Handover:
    """A refusal of this mail: to be asked again (4xx), or for good (5xx)."""
    if code >= 500:
        return Handover("rejected", reason=_told(code, said), status=code)
    return Handover("later", reason=_told(code, said), status=code, retry_at=mail.at + LATER)


def _told(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return told_reason(f"{code} {text}")
