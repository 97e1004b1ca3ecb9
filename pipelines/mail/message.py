"""One mail and its form on the wire (RFC 5322), with the headers of one-click unsubscribing (RFC 8058).

Whatever a person or a template supplies can not add a header: lines are joined before they become
one, and the standard library refuses what is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy, Policy
from typing import Literal, NamedTuple

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_OURS = re.compile(r"[0-9a-f]{64}\.\d+@.+")
_ADDRESS = re.compile(r"[^\s<>\"'(:]+@[^\s<>\"'):;,]+")


class _Whole(UnstructuredHeader, BaseHeader):
    """A header that stands on one line as it is: encoded or folded, a mail program can not use the link."""

    def fold(self, *, policy: Policy) -> str:
        """The line."""
        return f"{self.name}: {self}{policy.linesep}"


@dataclass(frozen=True)
class Mail:
    """A finished mail to one address."""

    key: str
    attempt: int
    campaign: str
    occurrence: str
    variant: str
    to: str
    from_email: str
    from_name: str
    subject: str
    html: str
    text: str
    unsubscribe_url: str
    at: datetime

    @property
    def message_id(self) -> str:
        """The Message-ID without its angle brackets; the same attempt always has the same one."""
        return f"{self.key}.{self.attempt}@{self.from_email.rpartition('@')[2]}"


class Handover(NamedTuple):
    """What became of one mail.

    `accepted`: it is the mailer's now. `rejected`: this mail never will be. `not_sent`: certainly not
    handed over, the mailer is out of order for now. `later`: it asks to be left alone until `retry_at`.
    `refused`: it refuses us altogether (key, account). `ambiguous`: nobody can tell. `status` is the
    provider's number (HTTP or SMTP), where it gave one.
    """

    outcome: Literal["accepted", "rejected", "not_sent", "later", "refused", "ambiguous"]
    message_id: str | None = None
    reason: str | None = None
    status: int | None = None
    retry_at: datetime | None = None


def one_line(text: str) -> str:
    """A text as one line: line ends and other control characters become single spaces."""
    return " ".join(_CONTROL.sub(" ", text).split())


def is_ours(message_id: str) -> bool:
    """Whether it is a Message-ID of a `Mail`: the key, the attempt and the sender's domain."""
    return _OURS.fullmatch(message_id) is not None


def told_reason(text: str) -> str:
    """What a server said, as a reason to keep: one short line without addresses."""
    return _ADDRESS.sub("[address]", one_line(text))[:200]


def encodable(text: str) -> str:
    """A text that UTF-8 can say."""
    return text.encode("utf-8", "replace").decode()


def ascii_domain(address: str) -> str:
    """The address with its domain in ASCII (IDNA), where it has such a form."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address


def to_bytes(mail: Mail, *, is_seven_bit: bool = False) -> bytes:
    """The mail as it goes out; `is_seven_bit` for a wire that may not take more.

    Raises:
        ValueError: an address or a header can not be written.
    """
    is_ascii = mail.to.isascii() and mail.from_email.isascii()
    policy = _policy(SMTP if is_ascii else SMTPUTF8)
    message = EmailMessage(policy=policy.clone(cte_type="7bit") if is_seven_bit else policy)
    message["From"] = _address(mail.from_email, one_line(mail.from_name))
    message["To"] = _address(mail.to)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = mail.at
    message["Message-ID"] = f"<{mail.message_id}>"
    message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["X-Millstream-Key"] = mail.key
    message.set_content(encodable(mail.text))
    message.add_alternative(encodable(mail.html), subtype="html")
    return message.as_bytes()


def is_address(spec: str) -> bool:
    """Whether it can be written down as one address and nothing else."""
    local, _, domain = spec.rpartition("@")
    return bool(local and domain) and one_line(spec) == spec


def _address(spec: str, name: str = "") -> Address:
    if not is_address(spec):
        raise ValueError("this is no address")
    local, _, domain = spec.rpartition("@")
    return Address(name, username=local, domain=domain)


def _policy(base: EmailPolicy[EmailMessage]) -> EmailPolicy[EmailMessage]:
    headers = HeaderRegistry()
    for name in ("list-unsubscribe", "x-millstream-key"):
        headers.map_to_type(name, _Whole)
    return base.clone(header_factory=headers)
