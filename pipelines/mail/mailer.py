"""What every mailer promises, and which one is configured."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from pipelines.errors import MillstreamError
from pipelines.mail.message import Handover, Mail
from pipelines.mail.outbox import Outbox
from pipelines.mail.ready import obstacles
from pipelines.mail.smtp_server import smtp_server
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.mail.sendgrid import SendGrid
    from pipelines.mail.smtp import Smtp

_UNTOUCHED = "Nobody was mailed and nothing was claimed."


class Mailer(Protocol):
    """Hands mails over, one per call; many threads may call at once."""

    def hand_over(self, mail: Mail) -> Handover:
        """Hand one mail over; an exception means that nobody can tell."""
        ...

    def handed_over(self, campaign: str) -> dict[str, int] | None:
        """How many mails went out per key, where the mailer can tell; else None."""
        ...

    def gave(self, message_id: str) -> bool:
        """Whether this mailer gives ids of this form; a campaign may have gone out through another one."""
        ...

    def close(self) -> None:
        """Close what it keeps open between mails; whoever made a mailer and handed over calls it at the end."""
        ...


def mailer_for(settings: Settings) -> Mailer:
    """The configured mailer. It opens nothing before the first mail.

    Raises:
        MillstreamError: it may not mail real people: the mode is dry, or something is not configured.
    """
    if settings.mailer == "outbox":
        return Outbox(settings.outbox_dir)
    if settings.send_mode == "dry":
        raise MillstreamError(
            f"MILLSTREAM_SEND_MODE is dry, and the mailer {settings.mailer} would mail real people. {_UNTOUCHED} "
            "Set MILLSTREAM_SEND_MODE=live to send, or MILLSTREAM_MAILER=outbox to write the mails to files."
        )
    if found := obstacles(settings):
        told = "; ".join(one.what for one in found)
        mend = " ".join(one.mend for one in found)
        raise MillstreamError(f"the mailer {settings.mailer} can not be used: {told}. {_UNTOUCHED} {mend}")
    return _over_the_wire(settings)


def refusal(settings: Settings, *, seconds: float) -> str | None:
    """Why the configured mailer would take no mail of ours now, asked of it; nothing is handed over.

    None where there is nothing to ask: the outbox, or one that `obstacles` keep from mailing.
    """
    if settings.mailer == "outbox" or obstacles(settings):
        return None
    with closing(_over_the_wire(settings.model_copy(update={"mailer_seconds": seconds}))) as asked:
        return asked.refusal()


def _over_the_wire(settings: Settings) -> Smtp | SendGrid:
    # Late: a sender that writes files needs neither.
    if settings.mailer == "smtp" and settings.smtp_url is not None:
        from pipelines.mail.smtp import Smtp

        return Smtp(smtp_server(settings.smtp_url.get_secret_value()), seconds=settings.mailer_seconds)
    from pipelines.mail.sendgrid import SendGrid

    assert settings.sendgrid_api_key is not None
    return SendGrid(
        settings.sendgrid_api_key,
        base=settings.sendgrid_api_base,
        seconds=settings.mailer_seconds,
        on_503=settings.sendgrid_unavailable,
    )
