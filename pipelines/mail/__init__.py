"""Handing one mail over: the `Mailer` protocol and the mailers behind it.

A mailer gets a finished `Mail` and says what became of it (`Handover`). It knows nothing about
campaigns, consent or the ledger. `mailer_for(settings)` gives the configured one: the local outbox,
which writes mails to files, SendGrid or a mail server (SMTP); `obstacles` tells why it could not,
and `refusal` asks it.
"""

from pipelines.mail.mailer import Mailer, mailer_for, refusal
from pipelines.mail.message import Handover, Mail, one_line, to_bytes
from pipelines.mail.outbox import Outbox
from pipelines.mail.ready import Obstacle, obstacles

__all__ = [
    "Handover",
    "Mail",
    "Mailer",
    "Obstacle",
    "Outbox",
    "mailer_for",
    "obstacles",
    "one_line",
    "refusal",
    "to_bytes",
]
