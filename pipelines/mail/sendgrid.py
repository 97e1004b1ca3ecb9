"""Mails over SendGrid's API, and what each answer means for never mailing anyone twice.

The API has no idempotency key: a mail that was written and not answered may have gone out, so
everything after the first byte of a body is in doubt unless SendGrid says otherwise. Connections are
kept (its own client makes a new one for each mail) and shared by all threads. What is asked for
stands in sendgrid_body.py.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

import orjson
from pydantic import SecretStr

from pipelines.mail.message import Handover, Mail, is_address, is_ours, told_reason
from pipelines.mail.sendgrid_body import body
from pipelines.mail.wire import Answered, NoAnswerError, NothingWrittenError, Wire

CONNECT_SECONDS = 5.0
WAIT = 60
"""Seconds to stay away after a 429 that does not say for how long: SendGrid counts by the minute."""
LONGEST_WAIT = 3600
_MAIL_REFUSED = (400, 413, 415)
_NO_ANSWER_IN_TIME = 408


class SendGrid:
    """SendGrid's account behind one key; thread-safe."""

    def __init__(
        self, key: SecretStr, *, base: str, seconds: float, on_503: Literal["ambiguous", "retry"] = "ambiguous"
    ) -> None:
        self._key, self._base, self._seconds, self._on_503 = key, base.rstrip("/"), seconds, on_503
        self._lock = threading.Lock()
        self._opened: Wire | None = None
        # At DEBUG it writes headers, the key among them.
        logging.getLogger("python_http_client").setLevel(logging.WARNING)

    def hand_over(self, mail: Mail) -> Handover:
        """Ask SendGrid to send one mail."""
        if not mail.from_email.rpartition("@")[0].isascii():
            return Handover("refused", reason="SendGrid takes no sender whose address is not plain ASCII")
        if not is_address(mail.to):
            return Handover("rejected", reason="this is no address")
        content = orjson.dumps(body(mail))
        try:
            answer = self._wire().ask("POST", "/v3/mail/send", content)
        except NothingWrittenError as problem:
            return Handover("not_sent", reason=told_reason(str(problem)))
        except NoAnswerError as problem:
            return Handover("ambiguous", reason=str(problem))
        return self._meaning(answer, mail.at)

    def handed_over(self, campaign: str) -> dict[str, int] | None:
        """SendGrid can not be asked; its events tell."""
        return None

    def gave(self, message_id: str) -> bool:
        """Whether it may be an id of SendGrid's: anything but a Message-ID of ours."""
        return bool(message_id) and not is_ours(message_id)

    def refusal(self) -> str | None:
        """Why it would send no mail of ours now, asked of it; nothing is handed over."""
        try:
            answer = self._wire().ask("GET", "/v3/scopes")
        except (NothingWrittenError, NoAnswerError) as problem:
            return told_reason(f"SendGrid can not be reached: {problem}")
        if answer.status != 200:
            return _reason(answer)
        try:
            may_send = "mail.send" in orjson.loads(answer.content)["scopes"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return "what answers is not SendGrid"
        return None if may_send else "the key may not send mail"

    def close(self) -> None:
        """Close the connections; a later mail opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _wire(self) -> Wire:
        # Late: reading the certificates takes longer than all else that a mailer needs to begin.
        with self._lock:
            if self._opened is None:
                headers = {
                    "Authorization": f"Bearer {self._key.get_secret_value()}",
                    "Content-Type": "application/json",
                    "User-Agent": "millstream",
                }
                connect = min(CONNECT_SECONDS, self._seconds)
                self._opened = Wire(self._base, headers, seconds=self._seconds, connect_seconds=connect)
            return self._opened

    def _meaning(self, answer: Answered, at: datetime) -> Handover:
        status = answer.status
        if status in (200, 202):
            return Handover("accepted", message_id=answer.headers.get("X-Message-Id"), status=status)
        reason = _reason(answer)
        if status in _MAIL_REFUSED:
            return Handover("rejected", reason=reason, status=status)
        if status == 429:
            return Handover("later", reason=reason, status=status, retry_at=at + _wait(answer))
        if status == 503 and self._on_503 == "retry":
            return Handover("not_sent", reason=reason, status=status)
        # Everything else below 500 is about the key, the account or the address of the API, not about one mail.
        is_about_us = 300 <= status < 500 and status != _NO_ANSWER_IN_TIME
        return Handover("refused" if is_about_us else "ambiguous", reason=reason, status=status)


def _reason(answer: Answered) -> str:
    """The status with what the answer's body says of it, if it says it as SendGrid does."""
    told = []
    try:
        for error in orjson.loads(answer.content)["errors"]:
            field = f" ({error['field']})" if error.get("field") else ""
            told.append(f"{error['message']}{field}")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        told = []
    return told_reason(": ".join([f"SendGrid answered {answer.status}", *(["; ".join(told)] if told else [])]))


def _wait(answer: Answered) -> timedelta:
    """How long to stay away: until X-RateLimit-Reset by SendGrid's own clock; what makes no sense is a minute."""
    try:
        reset = int(answer.headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return timedelta(seconds=WAIT)
    try:
        now = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except ValueError:
        now = time.time()
    seconds = reset - now
    return timedelta(seconds=max(seconds, 1) if -WAIT <= seconds <= LONGEST_WAIT else WAIT)
