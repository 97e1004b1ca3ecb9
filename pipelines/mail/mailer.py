"""What every mailer promises, and which one is configured."""

from __future__ import annotations

from typing import Protocol

from pipelines.errors import MillstreamError
from pipelines.mail.message import Handover, Mail
from pipelines.mail.outbox import Outbox
from pipelines.settings import Settings


class Mailer(Protocol):
    """Hands mails over, one at a time."""

    def hand_over(self, mail: Mail) -> Handover:
        """Hand one mail over; an exception means that nobody can tell."""
        ...

    def handed_over(self, campaign: str) -> dict[str, int] | None:
        """How many mails went out per key, where the mailer can tell; else None."""
        ...

    def gave(self, message_id: str) -> bool:
        """Whether this mailer gives ids of this form; a campaign may have gone out through another one."""
        ...


def mailer_for(settings: Settings) -> Mailer:
    """The configured mailer.

    Raises:
        MillstreamError: it is not built yet.
    """
    if settings.mailer != "outbox":
        raise MillstreamError(
            f"the mailer {settings.mailer!r} is not built yet. Nobody was mailed and nothing was claimed. "
            "Set MILLSTREAM_MAILER=outbox to write the mails to files."
        )
    return Outbox(settings.outbox_dir)
