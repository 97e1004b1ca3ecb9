"""Stay below Stripe's rate limits: a token bucket per endpoint and one for all.

Stripe allows 25 requests a second per endpoint, 100 in live mode and 25 in a sandbox in all
(docs.stripe.com/rate-limits); we stay below. A server on this machine is not Stripe: there only a
429 answer slows us down.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlparse

PER_ENDPOINT = 20.0
IN_ALL_LIVE = 80.0
IN_ALL_SANDBOX = 20.0


class Bucket:
    """A token bucket: `rate` tokens a second, at most one second's worth saved up."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = rate
        self._at = clock()

    def wait_time(self) -> float:
        """Take a token and return the seconds to wait before using it."""
        now = self._clock()
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        return max(0.0, -self._tokens / self._rate)


class Limiter:
    """Waits before a request so that neither limit is passed; counts the seconds it waited."""

    def __init__(
        self,
        *,
        live: bool,
        base: str | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._is_ours = urlparse(base or "").hostname in ("127.0.0.1", "localhost", "::1")
        self._clock = clock
        self._sleep = sleep
        self._all = Bucket(IN_ALL_LIVE if live else IN_ALL_SANDBOX, clock)
        self._endpoints: dict[str, Bucket] = {}
        self.waited = 0.0

    def before(self, endpoint: str) -> None:
        """Wait until a request to this endpoint is within the limits."""
        if self._is_ours:
            return
        bucket = self._endpoints.setdefault(endpoint, Bucket(PER_ENDPOINT, self._clock))
        pause = max(self._all.wait_time(), bucket.wait_time())
        if pause > 0:
            self.waited += pause
            self._sleep(pause)
