"""Stay below Stripe's rate limits, and use what they allow: by endpoint, in all, and at the same time.

Stripe allows 25 requests a second per endpoint, 100 in live mode and 25 in a sandbox in all
(docs.stripe.com/rate-limits), and a number at the same time that it does not tell. We stay below.
Whenever Stripe answers 429 all the same, the rate (of the endpoint, or of all) and the number at the
same time are halved and come back within seconds. A server on this machine is not Stripe: there only
a 429 slows us down. Used from many threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlparse


@dataclass(frozen=True)
class Limits:
    """Requests a second to one endpoint and in all, and requests at the same time."""

    per_endpoint: float
    in_all: float
    at_once: int


LIVE = Limits(per_endpoint=20, in_all=80, at_once=24)
SANDBOX = Limits(per_endpoint=20, in_all=20, at_once=8)
OWN_SERVER = Limits(per_endpoint=5_000, in_all=5_000, at_once=8)

SAVED_UP = 0.2
"""Seconds of the rate that may go at once after a pause: rate and burst stay below Stripe's limit of any second."""
RECOVERY = 10.0
"""Seconds in which a rate comes back from nothing to its limit."""


class Bucket:
    """A token bucket whose rate is halved by a refusal and comes back by itself."""

    def __init__(self, limit: float, clock: Callable[[], float]) -> None:
        self._limit = self._rate = limit
        self._clock = clock
        self._tokens = max(1.0, limit * SAVED_UP)
        self._at = clock()

    def missing(self) -> float:
        """Seconds until a token is there; 0 when one is."""
        now = self._clock()
        passed = now - self._at
        self._at = now
        self._rate = min(self._limit, self._rate + passed * self._limit / RECOVERY)
        self._tokens = min(max(1.0, self._rate * SAVED_UP), self._tokens + passed * self._rate)
        # A token short by rounding is a token: waiting for it would be waiting for nothing.
        return 0.0 if self._tokens >= 1 - 1e-6 else (1 - self._tokens) / self._rate

    def take(self) -> None:
        """Use a token."""
        self._tokens -= 1

    def refused(self, rate: float) -> None:
        """Stripe refused while we asked at `rate` a second."""
        self._rate = max(1.0, min(self._rate, rate) / 2)
        self._tokens = min(self._tokens, 0.0)


class Limiter:
    """Lets a request go when no limit is passed by it; counts the seconds that requests waited."""

    def __init__(
        self,
        *,
        live: bool,
        base: str | None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        is_ours = urlparse(base or "").hostname in ("127.0.0.1", "localhost", "::1")
        self.limits = limits or (OWN_SERVER if is_ours else LIVE if live else SANDBOX)
        self._clock, self._sleep = clock, sleep
        self._all = Bucket(self.limits.in_all, clock)
        self._endpoints: dict[str, Bucket] = {}
        self._at_once = float(self.limits.at_once)
        self._flying = 0
        self._recent: list[tuple[float, str]] = []
        self._lock = threading.Condition()
        self.waited = 0.0

    @contextmanager
    def request(self, endpoint: str) -> Iterator[None]:
        """Wait until a request to this endpoint is within the limits; it lasts as long as the block."""
        self._enter(endpoint)
        try:
            yield
        finally:
            with self._lock:
                self._flying -= 1
                self._at_once = min(float(self.limits.at_once), self._at_once + 1 / self._at_once)
                self._lock.notify()

    def refused(self, endpoint: str, reason: str | None) -> None:
        """Stripe answered 429; `reason` is its header Stripe-Rate-Limited-Reason."""
        with self._lock:
            since = self._clock() - 1
            recent = [name for at, name in self._recent if at >= since]
            told = reason or ""
            if "concurrency" not in told:
                if told.startswith("global"):
                    self._all.refused(float(len(recent)))
                else:
                    self._bucket(endpoint).refused(float(recent.count(endpoint)))
            self._at_once = max(1.0, self._at_once / 2)

    def _enter(self, endpoint: str) -> None:
        while True:
            with self._lock:
                began = self._clock()
                while self._flying >= max(1, int(self._at_once)):
                    self._lock.wait(1.0)
                bucket = self._bucket(endpoint)
                pause = max(self._all.missing(), bucket.missing())
                self.waited += self._clock() - began
                if pause == 0:
                    self._all.take()
                    bucket.take()
                    self._flying += 1
                    self._note(endpoint)
                    return
                self.waited += pause
            self._sleep(pause)

    def _bucket(self, endpoint: str) -> Bucket:
        return self._endpoints.setdefault(endpoint, Bucket(self.limits.per_endpoint, self._clock))

    def _note(self, endpoint: str) -> None:
        now = self._clock()
        self._recent.append((now, endpoint))
        if len(self._recent) > 10_000 or self._recent[0][0] < now - 2:
            self._recent = [one for one in self._recent if one[0] >= now - 1]
