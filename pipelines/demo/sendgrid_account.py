"""The fake SendGrid's account: which mails it took and how often, and how it answers the next one. No socket here.

Every mode says two things: whether the mail is taken, and what the sender hears. A drawn mode depends
on the seed, the mail's `dk` and how often that mail came, not on the order of arrival: sixteen
connections at once find the same weather as one.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import formatdate
from random import Random
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson

from pipelines.demo.sendgrid_rules import Json, errors


class Mode(NamedTuple):
    """How one mail is treated; without a status the connection is closed and the sender hears nothing."""

    is_taken: bool
    status: int | None


MODES: Mapping[str, Mode] = {
    "202": Mode(True, 202),
    "slow": Mode(True, 202),
    "400": Mode(False, 400),
    "401": Mode(False, 401),
    "403": Mode(False, 403),
    "413": Mode(False, 413),
    "429": Mode(False, 429),
    "500": Mode(False, 500),
    "502": Mode(False, 502),
    "503": Mode(False, 503),
    "504": Mode(False, 504),
    "500_after_accept": Mode(True, 500),
    "503_after_accept": Mode(True, 503),
    "drop_before_read": Mode(False, None),
    "drop_after_accept": Mode(True, None),
}
_TOLD = {
    400: "Bad Request",
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "access forbidden",
    404: "not found",
    413: "Payload Too Large",
    429: "too many requests",
}


@dataclass
class MailKnobs:
    """How it misbehaves; may be turned while it runs, here or by `PUT /fake/knobs`.

    `script`: modes of the next mails, in order of arrival. `to`: the mode of an address. Else one is
    drawn by `weights` and `seed`. `slow_seconds`: how late `slow` answers. `reset_seconds`: how far
    ahead X-RateLimit-Reset lies, or `reset` is its text ("" = the header is left out). `api_key`: the
    only key accepted (else any that begins with `SG.`). `scopes`: what the key may do.
    """

    script: deque[str] = field(default_factory=deque)
    to: dict[str, str] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=lambda: {"202": 1.0})
    seed: int = 7
    slow_seconds: float = 0.3
    reset_seconds: int = 1
    reset: str | None = None
    api_key: str | None = None
    scopes: list[str] = field(default_factory=lambda: ["mail.send", "suppression.read"])

    def turn(self, changes: Mapping[str, Any]) -> None:
        """Change some of them.

        Raises:
            ValueError: there is no such knob or no such mode.
        """
        unknown = changes.keys() - {one.name for one in fields(self)}
        modes = {*changes.get("script", ()), *changes.get("to", {}).values(), *changes.get("weights", ())}
        if unknown or modes - MODES.keys():
            raise ValueError(f"no such knob or mode: {', '.join(sorted(unknown | (modes - MODES.keys())))}")
        for name, value in changes.items():
            setattr(self, name, deque(value) if name == "script" else value)

    def document(self) -> Json:
        """The knobs as JSON can say them."""
        return {**vars(self), "script": list(self.script)}


@dataclass(frozen=True)
class Reply:
    """What goes back over the wire, and after how many seconds; without a status only the end of the connection."""

    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    after: float = 0.0


class SendGridAccount:
    """One account. `accepted`: how often each `dk` was taken; `answered`: how many mails got each mode.

    `connections` counts those that were ever made. `mails` are the newest ones taken, for whoever wants
    to look at them, and `message_ids` what the last one of each `dk` is called. `lists` are its suppressions
    by the last part of their path (`bounces`, `blocks`, ...), newest first.
    """

    def __init__(self, knobs: MailKnobs | None = None, *, keep: int = 100) -> None:
        self.knobs = knobs or MailKnobs()
        self.accepted: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.connections = 0
        self.message_ids: dict[str, str] = {}
        self.mails: deque[Json] = deque(maxlen=keep)
        self.lists: dict[str, list[Json]] = {}
        self._arrived: Counter[str] = Counter()

    def duplicates(self) -> int:
        """Mails that were taken beyond the first of the same `dk`."""
        return sum(times - 1 for times in self.accepted.values())

    def hangs_up(self) -> bool:
        """Whether the next mail's connection is closed before anything of it is read."""
        if not self.knobs.script or self.knobs.script[0] != "drop_before_read":
            return False
        self.answered[self.knobs.script.popleft()] += 1
        return True

    def reply(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to one request; `headers` by their names in lower case."""
        path, _, query = target.partition("?")
        if path.startswith("/fake/"):
            return self._told(method, path, body)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        expected = self.knobs.api_key
        if scheme != "Bearer" or (key != expected if expected else not key.startswith("SG.")):
            return _refusal(401)
        if (method, path) == ("POST", "/v3/mail/send"):
            return self._mail(body)
        if (method, path) == ("GET", "/v3/scopes"):
            return _json({"scopes": self.knobs.scopes})
        if method == "GET" and path.startswith(("/v3/suppression/", "/v3/asm/")):
            return _json(self._page(path.rpartition("/")[2], parse_qs(query)))
        return _refusal(404)

    def _mail(self, body: bytes) -> Reply:
        try:
            mail: Any = orjson.loads(body)
        except orjson.JSONDecodeError:
            mail = None
        people = mail.get("personalizations") if isinstance(mail, dict) else None
        people = [one for one in people if isinstance(one, dict)] if isinstance(people, list) else []
        keys = [str(one.get("custom_args", {}).get("dk", "")) for one in people]
        name = self._mode(keys[0] if keys else "", people)
        mode = MODES[name]
        wrong = errors(mail) if mode.is_taken else []
        if wrong:
            self.answered["400"] += 1
            return _json({"errors": wrong}, 400)
        self.answered[name] += 1
        if mode.is_taken:
            if mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
                return Reply(200)
            self.accepted.update(keys)
            named = hashlib.sha256(f"{keys}:{self.accepted[keys[0]]}".encode()).hexdigest()[:22]
            self.message_ids |= dict.fromkeys(keys, named)
            self.mails.append(mail)
        return self._answer(name, mode, keys)

    def _mode(self, key: str, people: Iterable[Json]) -> str:
        self._arrived[key] += 1
        if self.knobs.script:
            return self.knobs.script.popleft()
        if self.knobs.to:
            for one in people:
                for person in one.get("to", ()):
                    if person.get("email") in self.knobs.to:
                        return self.knobs.to[person["email"]]
        weights = self.knobs.weights
        if len(weights) == 1:
            return next(iter(weights))
        draw = Random(f"{self.knobs.seed}:{key}:{self._arrived[key]}")
        return draw.choices(list(weights), list(weights.values()))[0]

    def _answer(self, name: str, mode: Mode, keys: list[str]) -> Reply:
        if mode.status is None:
            return Reply(None)
        if mode.status == 202:
            told = (("X-Message-Id", self.message_ids[keys[0]]),)
            return Reply(202, told, after=self.knobs.slow_seconds if name == "slow" else 0.0)
        refusal = _refusal(mode.status)
        if mode.status != 429:
            return refusal
        reset = self.knobs.reset if self.knobs.reset is not None else str(int(time.time()) + self.knobs.reset_seconds)
        told_when = (
            ("Date", formatdate(usegmt=True)),
            ("X-RateLimit-Limit", "600"),
            ("X-RateLimit-Remaining", "0"),
        )
        return Reply(429, (*told_when, *([("X-RateLimit-Reset", reset)] if reset else [])), refusal.body)

    def _page(self, name: str, query: Mapping[str, list[str]]) -> list[Json]:
        """A page of one suppression list; `created` within `start_time` and `end_time`."""
        asked = {key: int(values[0]) for key, values in query.items() if values[0].isdigit()}
        rows = [
            row
            for row in self.lists.get(name, [])
            if asked.get("start_time", 0) <= row.get("created", 0) <= asked.get("end_time", 2**53)
        ]
        start = asked.get("offset", 0)
        return rows[start : start + min(asked.get("limit", 500), 500)]

    def _told(self, method: str, path: str, body: bytes) -> Reply:
        """What is kept here, told to another process; and the knobs turned by one."""
        if path == "/fake/knobs" and method == "PUT":
            try:
                self.knobs.turn(orjson.loads(body))
            except (ValueError, AttributeError, TypeError) as problem:
                return _json({"error": str(problem)}, 400)
        found = {
            "/fake/knobs": self.knobs.document(),
            "/fake/accepted": self.accepted,
            "/fake/answered": self.answered,
            "/fake/mails": list(self.mails),
        }
        return _json(found[path]) if path in found else _refusal(404)


def _json(document: Any, status: int = 200) -> Reply:
    return Reply(status, (("Content-Type", "application/json"),), orjson.dumps(document))


def _refusal(status: int) -> Reply:
    message = _TOLD.get(status, "An internal server error occurred")
    return _json({"errors": [{"message": message, "field": None, "help": None}]}, status)
