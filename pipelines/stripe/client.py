"""Ask Stripe through its SDK and get the answer's own text back.

Reading only. Retries and rate limits are ours, because the SDK never repeats a 429. Bodies stay
text until they are landed: building the SDK's objects costs thirty times the parsing, and the raw
JSON is what we keep.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
import stripe

from pipelines.errors import MillstreamError
from pipelines.settings import Settings
from pipelines.stripe.limiter import Limiter

ATTEMPTS = 7
TIMEOUT = (3.05, 30.0)
LONGEST_PAUSE = 60.0
"""Seconds: whoever asks for longer is answered by a failed run, since the warehouse is held meanwhile."""

Parameters = dict[str, object]


@dataclass(frozen=True)
class Page:
    """One answer of a list: the body as one line of JSON, and what paging needs of it."""

    body: bytes
    objects: list[dict[str, object]]
    has_more: bool


class StripeApi:
    """A read-only client for one account and key; an id (acct_...) names an account connected to the key's own.

    Raises from every call:
        MillstreamError: Stripe refused the key or the permission, or did not answer after all attempts.
    """

    def __init__(
        self, settings: Settings, *, account: str = "default", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if settings.stripe_api_key is None:
            raise MillstreamError(
                "no Stripe key is set. Nothing was changed. Put STRIPE_API_KEY (a restricted, read-only key) into "
                "the environment or .env, or load a dump with `millstream ingest stripe --from FILE`."
            )
        self._key = settings.stripe_api_key.get_secret_value()
        self.is_live = "_live_" in self._key
        self._sleep = sleep
        self.limiter = Limiter(live=self.is_live, base=settings.stripe_api_base, sleep=sleep)
        self.requests = 0
        stripe.enable_telemetry = False
        self._client = stripe.StripeClient(
            self._key,
            stripe_account=account if account.startswith("acct_") else None,
            base_addresses={"api": settings.stripe_api_base.rstrip("/")} if settings.stripe_api_base else {},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=TIMEOUT),
        )

    @property
    def mode(self) -> str:
        """`live` or `test`, by the key."""
        return "live" if self.is_live else "test"

    def get(self, path: str, **parameters: object) -> bytes | None:
        """One answer as one line of JSON, or None where Stripe has no such object (404)."""
        for attempt in range(1, ATTEMPTS + 1):
            self.limiter.before(path.split("/")[2])
            self.requests += 1
            try:
                answer = self._client.raw_request("get", path, **parameters)
                # A line break inside a JSON string is always escaped, so this keeps every value.
                return str(answer.body).replace("\r", " ").replace("\n", " ").encode()
            except stripe.InvalidRequestError as problem:
                if problem.http_status == 404:
                    return None
                raise MillstreamError(
                    f"Stripe did not accept the request {path} ({problem.http_status}, {problem.code}). "
                    "What was loaded before stays. Please report this with the request id "
                    f"{problem.request_id}."
                ) from None
            except stripe.AuthenticationError:
                raise MillstreamError(
                    f"Stripe refused the key ending …{self._key[-4:]} (401): it was revoked, mistyped or belongs to "
                    "another mode. Nothing was changed. Create a restricted key and set STRIPE_API_KEY."
                ) from None
            except stripe.PermissionError:
                raise MillstreamError(
                    f"the Stripe key ending …{self._key[-4:]} may not read {path} (403). What was loaded before "
                    "stays. Give the restricted key read permission for it."
                ) from None
            except (stripe.RateLimitError, stripe.APIError, stripe.APIConnectionError) as problem:
                if attempt == ATTEMPTS:
                    raise MillstreamError(_no_answer(problem)) from None
                self._sleep(_pause(attempt, problem))
        raise AssertionError("unreachable")

    def pages(self, path: str, parameters: Parameters | None = None, *, may_be_gone: bool = False) -> Iterator[Page]:
        """All pages of a list, newest first, 100 objects each; none where its owner may be gone and is.

        An answer that is no list, or a list that does not come to its end, is an error: taken for an
        empty list it would let the cursor pass over what was never read.
        """
        after: Parameters = {}
        seen: set[object] = set()
        while True:
            body = self.get(path, limit=100, **(parameters or {}), **after)
            if body is None:
                if may_be_gone:
                    return
                raise MillstreamError(_no_list(path, "404"))
            document = orjson.loads(body)
            if not isinstance(document, dict) or not isinstance(document.get("data"), list):
                raise MillstreamError(_no_list(path, "an answer without a list"))
            page = Page(body, document["data"], bool(document.get("has_more")))
            yield page
            if not page.has_more:
                return
            last = page.objects[-1].get("id") if page.objects else None
            if last is None or last in seen:
                raise MillstreamError(_no_list(path, "a list that does not end"))
            seen.add(last)
            after = {"starting_after": last}


def _pause(attempt: int, problem: stripe.StripeError) -> float:
    told = (problem.headers or {}).get("Retry-After") if hasattr(problem, "headers") else None
    if told and told.isdigit():
        return min(float(told), LONGEST_PAUSE)
    jitter = random.uniform(0.5, 1.0)
    return float(min(8.0, 0.25 * 2**attempt) * jitter)


def _no_list(path: str, instead: str) -> str:
    return (
        f"{path} gave {instead}. What was loaded before stays, and the next run asks again. "
        "Check STRIPE_API_BASE; if it is Stripe's own address, see status.stripe.com."
    )


def _no_answer(problem: stripe.StripeError) -> str:
    status = f"status {problem.http_status}" if problem.http_status else "no connection"
    return (
        f"Stripe did not answer after {ATTEMPTS} attempts ({status}). What was loaded before stays, and the next run "
        "goes on from there. See status.stripe.com, STRIPE_API_BASE and this machine's network."
    )
