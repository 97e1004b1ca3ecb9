"""Handing one mail over: the `Mailer` protocol and the mailers behind it.

A mailer gets a finished `Mail` and says what became of it (`Handover`). It knows nothing about
campaigns, consent or the ledger. `mailer_for(settings)` gives the configured one; today that is the
local outbox, which writes mails to files.
"""

from pipelines.mail.mailer import Mailer, mailer_for
from pipelines.mail.message import Handover, Mail, one_line, to_bytes
from pipelines.mail.outbox import Outbox

__all__ = ["Handover", "Mail", "Mailer", "Outbox", "mailer_for", "one_line", "to_bytes"]
