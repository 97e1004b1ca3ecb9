"""From a row of the ledger to the finished mail: the person's own words, link and headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pipelines.campaigns import Content, RenderError, Templates, carries_link
from pipelines.delivery.ledger import Claimed
from pipelines.mail import Handover, Mail
from pipelines.privacy import secret_key, unsubscribe_token
from pipelines.settings import Settings


class Making:
    """Makes the mails of one campaign."""

    def __init__(self, settings: Settings, content: Content) -> None:
        self._settings, self._document = settings, content.document
        self._templates = Templates(content)
        self._secret = secret_key(settings)
        self._links = settings.public_url.rstrip("/")

    def mail(self, row: Claimed, at: datetime, extra: Mapping[str, object]) -> Mail | Handover:
        """The finished mail, or why this person can not get one; `extra` is what is no trait: a discount code."""
        token = unsubscribe_token(self._secret, row.address_key, self._document.name)
        link = f"{self._links}/u/{token}"
        postal = self._settings.postal_address
        try:
            made = self._templates.render(
                row.variables,
                variant=row.variant,
                step=row.step,
                unsubscribe_url=link,
                postal_address=postal,
                extra=extra,
            )
        except RenderError as problem:
            return Handover("rejected", reason=str(problem)[:200])
        if not carries_link(made, link):
            return Handover("rejected", reason="the mail lacks its unsubscribe link")
        sender = self._document.from_
        return Mail(
            key=row.key,
            attempt=row.attempt,
            campaign=self._document.name,
            occurrence=row.occurrence,
            variant=row.variant,
            to=row.address,
            from_email=sender.email if sender else self._settings.from_email,
            from_name=sender.name if sender else "",
            subject=made.subject,
            html=made.html,
            text=made.text,
            unsubscribe_url=link,
            at=at,
        )
