"""Why a request was not taken, in one table: the reason that is counted, the status, and the words.

A refusal says what to do and quotes nothing of the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from starlette.responses import Response

from pipelines.events.body import TooLargeBodyError, UnreadableBodyError
from pipelines.gateway.bodies import CutOffError, TooLargeError
from pipelines.landing import NotStoredError, OverloadedError


@dataclass(frozen=True)
class Refusal:
    """One answer other than 2xx; with `retry_after` seconds where sending it again will help."""

    status: int
    words: str
    retry_after: int | None = None

    def response(self, more: Mapping[str, str] | None = None) -> Response:
        """The answer itself, with `more` headers."""
        headers = dict(more or {})
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return Response(orjson.dumps({"error": self.words}), self.status, headers, media_type="application/json")


REFUSALS = {
    "signature": Refusal(400, "the signature fits none of the secrets or keys that are set here"),
    "expired": Refusal(400, "signed too long ago; a delivery that comes late is healed by the next sync or reconcile"),
    "future": Refusal(400, "signed ahead of this machine's clock; check both clocks"),
    "malformed": Refusal(400, "signed, but no event that is known here"),
    "unreadable": Refusal(400, "no JSON of a message or a batch; nothing of it was taken"),
    "unauthorized": Refusal(401, "no source has this write key; `millstream source list` shows them"),
    "link": Refusal(404, "this installation did not make the link; nothing was changed"),
    "no_choice": Refusal(400, "neither the body of a mail program nor that of the page; nothing was changed"),
    "encoding": Refusal(415, "packed otherwise than with gzip"),
    "too_large": Refusal(413, "the body is too large"),
    "cut_off": Refusal(408, "the body did not arrive in time"),
    "overloaded": Refusal(429, "too much is waiting for the disk; send it again", retry_after=1),
    "not_stored": Refusal(503, "the disk does not take it; send it again", retry_after=30),
    "no_keys": Refusal(503, "the write keys can not be read; send it again", retry_after=30),
    "no_store": Refusal(503, "the state store can not be written now; send it again", retry_after=30),
    "no_verification_key": Refusal(
        503, "no verification key is set here (SENDGRID_WEBHOOK_PUBLIC_KEY)", retry_after=3600
    ),
    "no_secret": Refusal(503, "no signing secret is set here (STRIPE_WEBHOOK_SECRET)", retry_after=3600),
}

_REASONS: dict[type[Exception], str] = {
    TooLargeError: "too_large",
    TooLargeBodyError: "too_large",
    UnreadableBodyError: "unreadable",
    CutOffError: "cut_off",
    OverloadedError: "overloaded",
    NotStoredError: "not_stored",
}


def reason_of(problem: Exception) -> str | None:
    """Under which reason a request was not taken; None where that was not foreseen."""
    reason = _REASONS.get(type(problem)) or getattr(problem, "reason", None)
    return reason if reason in REFUSALS else None
