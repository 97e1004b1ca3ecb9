"""`/u/{token}` and `/c/{token}`: what people decide about their mail, without signing in (RFC 8058).

GET and HEAD never change anything, because programs follow links before people do: they show a page with a
button. POST acts, from that page or from a mail program, and is answered once the choice is on disk; doing it
again changes nothing and gives the same answer. No cookie is set, nobody is led elsewhere, and the token is
written nowhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP
from functools import partial
from urllib.parse import parse_qs

from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from pipelines.errors import UsageError
from pipelines.faults import fault_point
from pipelines.gateway.bodies import read_body
from pipelines.gateway.metrics import Counts
from pipelines.gateway.pages import button, page, words
from pipelines.gateway.refusals import REFUSALS, reason_of
from pipelines.gateway.store import StoreThreads
from pipelines.privacy import (
    Confirmation,
    Unsubscription,
    confirm,
    purpose_of,
    read_confirm_token,
    read_token,
    secret_key,
    unsubscribe,
)
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing

UNSUBSCRIBE, CONFIRM = "unsubscribe", "confirm"
"""The names of these requests among the figures."""
LIMIT = 4096
PREVIEW = "preview"
"""What stands for the token in a mail that nobody was sent."""
_ONE_CLICK = ("List-Unsubscribe", "One-Click")
_LEAVE = "leave"


class BrokenLinkError(Exception):
    """This installation did not make the link."""

    reason = "link"


class NoChoiceError(Exception):
    """A body that is neither a mail program's nor that of our page."""

    reason = "no_choice"


class Choices:
    """Answers the links of one gateway's mails."""

    def __init__(self, settings: Settings, counts: Counts, clock: Callable[[], datetime]) -> None:
        self._settings, self._counts, self._clock = settings, counts, clock
        self._threads = StoreThreads("choices")

    async def leave(self, request: Request) -> Response:
        """`GET|POST /u/{token}`."""
        return await self._told(UNSUBSCRIBE, request, self._leave)

    async def agree(self, request: Request) -> Response:
        """`GET|POST /c/{token}`."""
        return await self._told(CONFIRM, request, self._agree)

    def close(self) -> None:
        """End the threads."""
        self._threads.close()

    async def _told(self, name: str, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        """The answer, or a page that says why there is none; both are counted."""
        try:
            return await answer(request)
        except Exception as problem:
            reason = reason_of(problem)
            if reason is None:
                raise
        self._counts.refused(name, reason)
        refusal = REFUSALS[reason]
        title = "This link does not work" if reason == "link" else "That did not work"
        text = _NO_ANSWER.get(reason, f"{refusal.words}.")
        return page(title, words(text[:1].upper() + text[1:]), status=refusal.status, retry_after=refusal.retry_after)

    async def _leave(self, request: Request) -> Response:
        token = request.path_params["token"]
        if token == PREVIEW:
            return page("This is a preview", words("In the mail that goes out, this link unsubscribes its reader."))
        if request.method != "POST":
            asked = await self._threads.run(partial(self._asked, token))
            purpose = await self._threads.run(partial(self._purpose, asked))
            return page(
                "Unsubscribe?",
                words(f"You will get no more mails of the list “{purpose}” at the address that this mail went to."),
                button("Unsubscribe", _LEAVE, "list"),
                button("Unsubscribe from everything", _LEAVE, "everything", is_second=True),
                words("Nothing has changed yet.", is_quiet=True),
            )
        given = _form(await read_body(request, LIMIT), request.headers.get("content-type", ""))
        everything = given.get(_LEAVE) == "everything"
        if given.get(_ONE_CLICK[0]) != _ONE_CLICK[1] and given.get(_LEAVE) not in ("list", "everything"):
            raise NoChoiceError
        changed = await self._threads.run(partial(self._unsubscribe, token, everything=everything))
        self._counts.took(UNSUBSCRIBE, "accepted" if changed else "duplicate")
        from_what = "everything" if everything else "this list"
        rest = [] if everything else [button("Unsubscribe from everything", _LEAVE, "everything", is_second=True)]
        return page(
            "You are unsubscribed",
            words(f"You will get no more mails from {from_what}. You may close this page."),
            *rest,
        )

    async def _agree(self, request: Request) -> Response:
        token = request.path_params["token"]
        if request.method != "POST":
            asked = await self._threads.run(partial(self._said, token))
            return page(
                "Confirm your subscription?",
                words(
                    f"Somebody asked for mails of the list “{asked.purpose}” to the address that this link was sent to."
                ),
                button("Yes, send me these mails", "answer", "yes"),
                words("If that was not you, close this page: without your answer nothing is sent.", is_quiet=True),
            )
        given = _form(await read_body(request, LIMIT), request.headers.get("content-type", ""))
        if given.get("answer") != "yes":
            raise NoChoiceError
        changed = await self._threads.run(partial(self._confirm, token))
        self._counts.took(CONFIRM, "accepted" if changed else "duplicate")
        return page("You are subscribed", words("Every mail has a link to unsubscribe. You may close this page."))

    # In the threads of the state store.

    def _engine(self) -> Engine:
        return open_state(self._settings)

    def _asked(self, token: str) -> Unsubscription:
        try:
            return read_token(secret_key(self._settings), token)
        except UsageError:
            raise BrokenLinkError from None

    def _said(self, token: str) -> Confirmation:
        try:
            return read_confirm_token(secret_key(self._settings), token)
        except UsageError:
            raise BrokenLinkError from None

    def _purpose(self, asked: Unsubscription) -> str:
        with reading(self._engine()) as connection:
            return purpose_of(connection, asked.campaign)

    def _unsubscribe(self, token: str, *, everything: bool) -> bool:
        asked = self._asked(token)
        with writing(self._engine()) as connection:
            changed = unsubscribe(connection, asked, everything=everything, now=self._clock())
            fault_point("unsubscribe.before_commit")
        fault_point("unsubscribe.after_commit")
        return changed

    def _confirm(self, token: str) -> bool:
        asked = self._said(token)
        try:
            with writing(self._engine()) as connection:
                return confirm(connection, asked, now=self._clock())
        except UsageError:
            raise BrokenLinkError from None


_NO_ANSWER = {
    "link": "it may have been cut off on its way. Copy the whole link from the mail, or answer the mail and ask to be "
    "taken off the list. Nothing was changed.",
    "no_choice": "this address takes the answer of its own page and of mail programs only. Nothing was changed.",
    "no_store": "your choice could not be stored right now. Please try again in a minute.",
    "overloaded": "too many people answer at once. Please try again in a minute.",
}


def _form(body: bytes, content_type: str) -> Mapping[str, str]:
    """The fields of a form, in either of the two ways that mail programs send it; the first of each name."""
    if content_type.lower().startswith("multipart/form-data"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
        message = BytesParser(policy=HTTP).parsebytes(head + body)
        found: dict[str, str] = {}
        for part in message.walk():
            name = part.get_param("name", header="content-disposition")
            if isinstance(name, str) and not part.is_multipart():
                payload = part.get_payload(decode=True)
                text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
                found.setdefault(name, text.strip())
        return found
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
