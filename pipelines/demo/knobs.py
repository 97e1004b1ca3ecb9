"""The fake Stripe's knobs: how it misbehaves. All are off by default and may be turned while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Knobs:
    """`*_every=n`: each n-th request is answered so; counted over all requests, 0 = never.

    `api_key`: the only key accepted (otherwise any sk_test_/rk_test_ key). `visibility_lag`: seconds for
    which a new object stays invisible. `event_retention_days`: older events are gone (None = all stay).
    `down`: everything answers 503. `now`: the clock, in seconds, for the two before.
    """

    api_key: str | None = None
    rate_limit_every: int = 0
    error_every: int = 0
    drop_every: int = 0
    slow_seconds: float = 0.0
    visibility_lag: float = 0.0
    event_retention_days: int | None = None
    down: bool = False
    now: Callable[[], float] = time.time
    requests: int = 0
