"""The fake Stripe's replies: an answer with status and headers, or the fault whose turn it is. No socket in here."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from types import MappingProxyType

import orjson

from pipelines.demo.answers import Answers
from pipelines.demo.books import API_VERSION
from pipelines.demo.creations import Creations
from pipelines.demo.knobs import Knobs
from pipelines.demo.object_store import Store
from pipelines.demo.refusals import Refusal, forbidden, not_connected, out_of_order, rate_limited


@dataclass(frozen=True)
class Reply:
    """What goes back over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Replies:
    """Replies about an account and those that are connected to it; counts the requests."""

    def __init__(self, store: Store, knobs: Knobs, connected: Mapping[str, Store] = MappingProxyType({})) -> None:
        self._answers, self._knobs = Answers(store, knobs), knobs
        self.creations = Creations(store, knobs)
        self._connected = {account: Answers(other, knobs) for account, other in connected.items()}
        self._recent: dict[str, deque[float]] = {}

    def is_answered(self) -> bool:
        """Count a request; False when it is its turn to be dropped without an answer."""
        self._knobs.requests += 1
        return not _turn(self._knobs.requests, self._knobs.drop_every)

    def reply(self, method: str, path: str, query: str, given: Mapping[str, str], form: str = "") -> Reply:
        """The reply to a request that was counted; `given` are its headers, names in lower case, `form` its body."""
        number, knobs = self._knobs.requests, self._knobs
        headers = {"Request-Id": f"req_{number:014d}", "Stripe-Version": given.get("stripe-version", API_VERSION)}
        if knobs.tells_time:
            headers["Date"] = formatdate(knobs.now(), usegmt=True)
        if knobs.meanwhile is not None:
            knobs.meanwhile(path)
        try:
            self._misbehave(number, path)
            _check_key(given.get("authorization", ""), knobs.api_key)
            if knobs.forbidden and path.strip("/").removeprefix("v1/").startswith(knobs.forbidden):
                raise forbidden(path, "write" if method.upper() == "POST" else "read")
            answers = self._answers_of(given.get("stripe-account"))
            if method.upper() == "POST" and answers is self._answers and path.strip("/").startswith("v1/"):
                body = self.creations.post(path.strip("/").removeprefix("v1/"), form, given.get("idempotency-key"))
                if _turn(number, knobs.lost_every):
                    raise out_of_order()
            else:
                body = _body(answers, method, path.strip("/"), query)
            status = 200
        except Refusal as refusal:
            body, status = orjson.dumps(refusal.body), refusal.status
            headers |= refusal.headers
        if _turn(number, knobs.truncate_every):
            body = body[: len(body) // 2]
        return Reply(status, headers, body)

    def _answers_of(self, account: str | None) -> Answers:
        if account is None:
            return self._answers
        if account not in self._connected:
            raise not_connected(account)
        return self._connected[account]

    def _misbehave(self, number: int, path: str) -> None:
        if self._knobs.down:
            raise out_of_order(503)
        if _turn(number, self._knobs.rate_limit_every) or (self._knobs.limit and self._is_too_fast(path)):
            raise rate_limited()
        if _turn(number, self._knobs.error_every):
            raise out_of_order()

    def _is_too_fast(self, path: str) -> bool:
        """Whether this endpoint was asked as often as it may be within the last second."""
        now = self._knobs.now()
        recent = self._recent.setdefault(path.strip("/").split("/")[1], deque())
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= self._knobs.limit:
            return True
        recent.append(now)
        return False


def _body(answers: Answers, method: str, path: str, query: str) -> bytes:
    if method.upper() not in ("GET", "HEAD"):
        raise Refusal(405, f"This Stripe only answers questions ({method}: /{path}).")
    if not path.startswith("v1/"):
        raise Refusal(404, f"Unrecognized request URL ({method}: /{path}).")
    return answers.get(path.removeprefix("v1/"), query)


def _turn(number: int, every: int) -> bool:
    return every > 0 and number % every == 0


def _check_key(authorization: str, expected: str | None) -> None:
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[0]
        except ValueError:
            given = ""
    if not given:
        raise Refusal(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header.",
        )
    fits = given == expected if expected is not None else given.startswith(("sk_test_", "rk_test_"))
    if not fits:
        raise Refusal(401, f"Invalid API Key provided: {given[:8]}{'*' * 8}{given[-4:]}")
