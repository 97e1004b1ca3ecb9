"""The fake Stripe's knobs: how it misbehaves. All are off by default and may be turned while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Knobs:
    """`*_every=n`: each n-th request is answered so; counted over all requests, 0 = never.

    `forbidden`: what the key may not read, as paths start (`customers`); answered with 403.
    `api_key`: the only key accepted (otherwise any sk_test_/rk_test_ key). `truncate_every`: the answer's JSON
    is cut in half. `lost_every`: what was asked for is created, and the answer is an error. `visibility_lag`:
    seconds for which a new object stays invisible; `event_lag`: the same for events, where it differs.
    `event_retention_days`: older events are gone (None = all stay). `down`:
    everything answers 503. `now`: the clock, in seconds, for these; `tells_time`: answers carry it as their
    Date. `limit`: requests a second to one endpoint beyond which 429 is answered (0 = none). `meanwhile` is
    called with each request's path before its answer: a test may change objects there.
    """

    api_key: str | None = None
    forbidden: tuple[str, ...] = ()
    rate_limit_every: int = 0
    error_every: int = 0
    drop_every: int = 0
    truncate_every: int = 0
    lost_every: int = 0
    slow_seconds: float = 0.0
    visibility_lag: float = 0.0
    event_lag: float | None = None
    event_retention_days: int | None = None
    down: bool = False
    now: Callable[[], float] = time.time
    tells_time: bool = False
    limit: int = 0
    meanwhile: Callable[[str], None] | None = None
    requests: int = 0
