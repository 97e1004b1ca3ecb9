"""Rate limits: never passed, used in full, and obeyed when Stripe refuses all the same. Time is only told here."""

from __future__ import annotations

import pytest

from pipelines.settings import Settings
from pipelines.stripe import StripeApi
from pipelines.stripe.limiter import LIVE, SANDBOX, Limiter, Limits
from tests.stripe.account import Account, InProcess, ToldClock


def most_in_a_second(times: list[float]) -> int:
    return max(sum(at <= other < at + 1 for other in times) for at in times)


@pytest.mark.parametrize(("is_live", "allowed"), [(True, 100), (False, 25)])
def test_many_endpoints_stay_below_the_limit_of_all_and_use_it(is_live: bool, allowed: int) -> None:
    clock = ToldClock()
    limiter = Limiter(live=is_live, base=None, clock=lambda: clock.now, sleep=clock.sleep)
    begin, went = clock.now, []
    for number in range(600):
        with limiter.request(f"endpoint {number % 8}"):
            went.append(clock.now)
    assert most_in_a_second(went) <= allowed
    limit = (LIVE if is_live else SANDBOX).in_all
    assert 600 / (clock.now - begin) >= 0.9 * limit


def test_a_refusal_halves_the_rate_and_it_comes_back() -> None:
    clock = ToldClock()
    limiter = Limiter(live=True, base=None, clock=lambda: clock.now, sleep=clock.sleep)

    def a_second() -> int:
        end, count = clock.now + 1, 0
        while clock.now < end:
            with limiter.request("charges"):
                count += 1
        return count

    a_second()
    usual = a_second()
    limiter.refused("charges", "endpoint-rate")
    assert a_second() <= usual * 0.65
    for _ in range(10):
        a_second()
    assert a_second() >= usual * 0.9


def test_requests_at_the_same_time_are_fewer_after_a_refusal_for_them() -> None:
    limiter = Limiter(live=True, base=None, limits=Limits(1e6, 1e6, at_once=8))
    limiter.refused("charges", "endpoint-concurrency")
    assert limiter._at_once == 4
    for _ in range(60):
        with limiter.request("charges"):
            pass
    assert limiter._at_once == 8


def test_a_server_with_stripes_limit_never_has_to_refuse(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_limits")
    clock, account = ToldClock(), Account(1)
    for _ in range(3_000):
        account.create("customer", told=None)
    account.knobs.now, account.knobs.limit = lambda: clock.now, 25
    api = StripeApi(
        Settings(), clock=lambda: clock.now, sleep=clock.sleep, limits=LIVE, transport=InProcess(account.replies)
    )
    begin = clock.now
    for _ in range(4):
        assert sum(len(page.objects) for page in api.pages("/v1/customers")) == 3_000
    assert api.refusals == 0
    assert api.requests / (clock.now - begin) >= 0.9 * LIVE.per_endpoint


def test_a_server_that_allows_less_than_we_think_is_still_read_to_the_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_limits")
    clock, account = ToldClock(), Account(1)
    for _ in range(3_000):
        account.create("customer", told=None)
    account.knobs.now, account.knobs.limit = lambda: clock.now, 8
    api = StripeApi(
        Settings(), clock=lambda: clock.now, sleep=clock.sleep, limits=LIVE, transport=InProcess(account.replies)
    )
    begin = clock.now
    assert sum(len(page.objects) for page in api.pages("/v1/customers")) == 3_000
    assert 0 < api.refusals < 15
    assert clock.now - begin < 15
