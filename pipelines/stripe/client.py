"""Ask Stripe through its SDK and get the answer's own text back.

From many threads; all but `post` only reads. Retries and rate limits are ours, because the SDK never repeats a
429. Bodies stay text until they are landed: building the SDK's objects costs thirty times the
parsing, and the raw JSON is what we keep.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import orjson
import stripe
from pydantic import SecretStr

from pipelines.errors import MillstreamError
from pipelines.settings import Settings
from pipelines.stripe.limiter import Limiter, Limits

ATTEMPTS = 7
TIMEOUT = (3.05, 30.0)
_PERMISSION = re.compile(r"\brak_\w+")
"""What Stripe's refusal calls the permission: "Having the 'rak_customer_read' permission would allow this ..."."""
_DOES = {"get": "read", "post": "write"}
LONGEST_PAUSE = 60.0
"""Seconds: whoever asks for longer is answered by a failed run, since the warehouse is held meanwhile."""

Parameters = dict[str, object]
Thing = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """One answer: its body as one line of JSON, and the same parsed."""

    body: bytes
    document: Any


@dataclass(frozen=True)
class Page:
    """One answer of a list: the body as one line of JSON, and what paging needs of it."""

    body: bytes
    objects: list[Thing]
    has_more: bool


class RefusedKeyError(MillstreamError):
    """Stripe does not know the key (401), or the key may not ask for this account."""


class ForbiddenError(MillstreamError):
    """The key may not read this path (403); `permission` is what Stripe calls the missing one, where it tells it."""

    def __init__(self, message: str, permission: str | None) -> None:
        super().__init__(message)
        self.permission = permission


class CursorGoneError(MillstreamError):
    """The object at which the next page was to begin is gone; what was read before stands."""


class NotAcceptedError(MillstreamError):
    """Stripe understood the request and refuses it (400); `code` is its word for why, where it has one."""

    def __init__(self, message: str, code: str | None, told: str) -> None:
        super().__init__(message)
        self.code, self.told = code, told


class _Damaged(Exception):  # noqa: N818 (becomes a MillstreamError when it stays)
    """An answer of status 200 that is no JSON: cut off, or from a proxy."""


class _BodyKept(stripe.HTTPClient):  # type: ignore[misc]  # mypy leaves the SDK out
    """Keeps the body of a good answer and hands the SDK an empty one: parsing it is ours, once."""

    name = "millstream"

    def __init__(self, inner: stripe.HTTPClient) -> None:
        super().__init__()
        self._inner = inner
        self._kept = threading.local()

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **more: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """One request by the SDK's own client."""
        body, status, told = self._inner.request(method, url, headers, post_data, **more)
        self._kept.told = told
        if 200 <= status < 300:
            # The SDK calls it text; its own clients hand out bytes.
            self._kept.body = body
            return "{}", status, told
        return body, status, told

    def taken(self) -> tuple[bytes, Mapping[str, str]]:
        """The body and the headers of this thread's last good answer."""
        return self._kept.body, self._kept.told

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class StripeApi:
    """A client for one account and key; an id (acct_...) names an account connected to the key's own.

    Raises from every call:
        MillstreamError: Stripe refused the key or the permission, or did not answer after all attempts.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        account: str = "default",
        key: SecretStr | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits | None = None,
        transport: stripe.HTTPClient | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        key = key or settings.stripe_api_key
        if key is None:
            raise MillstreamError(
                "no Stripe key is set. Nothing was changed. Put STRIPE_API_KEY (a restricted, read-only key) into "
                "the environment or .env, or load a dump with `millstream ingest stripe --from FILE`."
            )
        self._key = key.get_secret_value()
        self.is_live = "_live_" in self._key
        self._account, self._sleep, self._attempts = account, sleep, attempts
        base = settings.stripe_api_base
        self.limiter = Limiter(live=self.is_live, base=base, limits=limits, clock=clock, sleep=sleep)
        self.requests = 0
        self.refusals = 0
        self.stripe_time: datetime | None = None
        """The time that Stripe's last answer told, where it told one."""
        stripe.enable_telemetry = False
        self._transport = _BodyKept(transport or stripe.RequestsClient(timeout=TIMEOUT))
        self._client = stripe.StripeClient(
            self._key,
            stripe_account=account if account.startswith("acct_") else None,
            base_addresses={"api": base.rstrip("/")} if base else {},
            max_network_retries=0,
            http_client=self._transport,
        )

    @property
    def mode(self) -> str:
        """`live` or `test`, by the key."""
        return "live" if self.is_live else "test"

    def get(self, path: str, **parameters: object) -> Answer | None:
        """One answer, or None where Stripe has no such object (404)."""
        return self._ask("get", path, parameters)

    def post(self, path: str, *, idempotency_key: str, **parameters: object) -> Answer:
        """Create something, once: asked again with the same key, Stripe gives the same answer for a day at least.

        Raises:
            NotAcceptedError: Stripe does not take it; nothing was created.
        """
        answer = self._ask("post", path, {**parameters, "idempotency_key": idempotency_key})
        if answer is None:
            raise NotAcceptedError(f"Stripe knows no {path}. Nothing was created.", "resource_missing", "")
        return answer

    def _ask(self, method: Literal["get", "post"], path: str, parameters: Parameters) -> Answer | None:
        endpoint = path.split("/")[2]
        for attempt in range(1, self._attempts + 1):
            self.requests += 1
            try:
                with self.limiter.request(endpoint):
                    self._client.raw_request(method, path, **parameters)
                return self._answer()
            except stripe.InvalidRequestError as problem:
                if problem.http_status == 404:
                    return None
                if problem.param in ("starting_after", "ending_before"):
                    raise CursorGoneError(_no_list(path, "a list whose last object is gone")) from None
                raise NotAcceptedError(
                    f"Stripe did not accept the request {path} ({problem.http_status}, {problem.code}). "
                    "What was loaded before stays. Please report this with the request id "
                    f"{problem.request_id}.",
                    problem.code,
                    str(problem.user_message or ""),
                ) from None
            except stripe.AuthenticationError:
                raise RefusedKeyError(
                    f"Stripe refused the key ending …{self._key[-4:]} (401): it was revoked, mistyped or belongs to "
                    "another mode. Nothing was changed. Create a restricted key and set STRIPE_API_KEY."
                ) from None
            except stripe.PermissionError as problem:
                # The SDK keeps the code of some kinds of errors only.
                if (problem.json_body or {}).get("error", {}).get("code") == "account_invalid":
                    raise RefusedKeyError(
                        f"the Stripe key ending …{self._key[-4:]} has no access to the account {self._account} (403). "
                        "What was loaded before stays. Connect it, or take it off MILLSTREAM_STRIPE_ACCOUNTS."
                    ) from None
                named = _PERMISSION.search(str(problem))
                permission = named[0] if named else None
                does, called = _DOES[method], f" ({permission})" if permission else ""
                raise ForbiddenError(
                    f"the Stripe key ending …{self._key[-4:]} may not {does} {path} (403). What was loaded before "
                    f"stays. Give the restricted key {does} permission for it{called}; "
                    "`millstream doctor` lists all that are missing.",
                    permission,
                ) from None
            except stripe.IdempotencyError as problem:
                # 409: the same request is being answered right now, to somebody who went before us.
                if problem.http_status != 409 or attempt == self._attempts:
                    raise NotAcceptedError(
                        f"Stripe did not accept the request {path} ({problem.http_status}): its key stands for another "
                        "one. Nothing was created.",
                        "idempotency_error",
                        "",
                    ) from None
                self._sleep(_pause(attempt, problem))
            except (stripe.RateLimitError, stripe.APIError, stripe.APIConnectionError, _Damaged) as problem:
                if isinstance(problem, stripe.RateLimitError):
                    self.refusals += 1
                    self.limiter.refused(endpoint, _headers(problem).get("Stripe-Rate-Limited-Reason"))
                if attempt == self._attempts:
                    raise MillstreamError(_no_answer(problem, attempt)) from None
                self._sleep(_pause(attempt, problem))
        raise AssertionError("unreachable")

    def _answer(self) -> Answer:
        body, headers = self._transport.taken()
        told = headers.get("Date")
        if told:
            self.stripe_time = parsedate_to_datetime(told).astimezone(UTC)
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise _Damaged from None
        # A line break inside a JSON string is always escaped, so this keeps every value.
        return Answer(body.replace(b"\r", b" ").replace(b"\n", b" "), document)

    def pages(
        self,
        path: str,
        parameters: Parameters | None = None,
        *,
        may_be_gone: bool = False,
        after: object = None,
    ) -> Iterator[Page]:
        """All pages of a list, newest first, 100 objects each; none where its owner may be gone and is.

        An answer that is no list, or a list that does not come to its end, is an error: taken for an
        empty list it would let the cursor pass over what was never read.

        Raises:
            CursorGoneError: the last object of a page was deleted before the next page was asked for.
        """
        seen: set[object] = set()
        while True:
            more: Parameters = {} if after is None else {"starting_after": after}
            answer = self.get(path, limit=100, **(parameters or {}), **more)
            if answer is None:
                if after is not None:
                    raise CursorGoneError(_no_list(path, "404 in the middle"))
                if may_be_gone:
                    return
                raise MillstreamError(_no_list(path, "404"))
            document = answer.document
            if not isinstance(document, dict) or not isinstance(document.get("data"), list):
                raise MillstreamError(_no_list(path, "an answer without a list"))
            page = Page(answer.body, document["data"], bool(document.get("has_more")))
            after = page.objects[-1].get("id") if page.objects else None
            if page.has_more and (after is None or after in seen):
                raise MillstreamError(_no_list(path, "a list that does not end"))
            yield page
            if not page.has_more:
                return
            seen.add(after)


def _headers(problem: Exception) -> Mapping[str, str]:
    return getattr(problem, "headers", None) or {}


def _pause(attempt: int, problem: Exception) -> float:
    told = _headers(problem).get("Retry-After")
    if told and told.isdigit():
        return min(float(told), LONGEST_PAUSE)
    jitter = random.uniform(0.5, 1.0)
    return float(min(8.0, 0.25 * 2**attempt) * jitter)


def _no_list(path: str, instead: str) -> str:
    return (
        f"{path} gave {instead}. What was loaded before stays, and the next run asks again. "
        "Check STRIPE_API_BASE; if it is Stripe's own address, see status.stripe.com."
    )


def _no_answer(problem: Exception, attempts: int) -> str:
    code = getattr(problem, "http_status", None)
    status = "damaged answers" if isinstance(problem, _Damaged) else f"status {code}" if code else "no connection"
    tried = f"{attempts} attempts" if attempts > 1 else "one attempt"
    return (
        f"Stripe did not answer after {tried} ({status}). What was loaded before stays, and the next run "
        "goes on from there. See status.stripe.com, STRIPE_API_BASE and this machine's network."
    )
