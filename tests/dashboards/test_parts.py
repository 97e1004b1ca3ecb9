from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.parts.money import compact_money, money, tick_money
from dashboards.parts.numbers import change, change_in_points, count, counted, figure, length, percent
from dashboards.parts.times import ago, clock, stamp
from dashboards.parts.words import literal, sentence
from pipelines.quality.told import is_stale

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD", "ISK", "CHF"])
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@given(st.integers(-(10**12), 10**12), CURRENCIES)
def test_an_amount_has_a_real_minus_sign_or_none(minor: int, currency: str) -> None:
    for text in (money(minor, currency), compact_money(minor, currency)):
        assert "-" not in text
        assert ("−" in text) == (minor < 0)


@given(st.floats(-1e9, 1e9), CURRENCIES)
def test_an_axis_label_has_a_real_minus_sign(value: float, currency: str) -> None:
    assert "-" not in tick_money(round(value, 2), currency)


def test_the_yen_has_no_decimals() -> None:
    assert money(1234, "JPY") == "¥1,234"
    assert compact_money(1234, "JPY") == "¥1,234"
    assert money(1234, "USD") == "$12.34"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "$0"), (500, "$500"), (2500, "$2.5K"), (20_000, "$20K"), (-1500, "−$1.5K")]
)
def test_an_axis_label_is_as_short_as_it_can_be(value: float, text: str) -> None:
    assert tick_money(value, "USD") == text


def test_without_a_base_there_is_a_dash_and_no_infinity() -> None:
    assert percent(None) == "–"
    assert change(5, 0).text == "–"
    assert change(5, None).text == "–"
    assert change_in_points(None, 0.1).text == "–"
    assert money(None, "USD") == "–"


@given(st.floats(-0.0004, 0.0004))
def test_a_zero_has_no_sign_and_no_direction(tiny: float) -> None:
    assert percent(tiny) == "0.0 %"
    assert change(1 + tiny, 1).text == "0.0 %"
    assert change(1 + tiny, 1).direction == "flat"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (1234, "1,234"),
        (1234.5, "1,234.50"),
        (0.25, "0.2500"),
        (-0.00001, "0.0000"),
        (-2.5, "−2.50"),
    ],
)
def test_a_measured_value_has_as_many_places_as_it_needs(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_a_change_tells_its_sign() -> None:
    assert change(110, 100).text == "+10.0 %"
    assert change(90, 100).text == "−10.0 %"
    assert count(-1204) == "−1,204"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45 s"), (720, "12 min"), (3900, "1 h 5 min"), (90_000, "1 d 1 h"), (None, "–")],
)
def test_a_length_of_time_has_at_most_two_units(seconds: float | None, text: str) -> None:
    assert length(seconds) == text


def test_a_moment_is_told_in_the_reporting_zone() -> None:
    moment = datetime(2026, 11, 24, 23, 30)  # noqa: DTZ001 (as the warehouse gives it)
    assert clock(moment, "UTC") == "23:30, 24 Nov (UTC)"
    assert clock(moment, "Asia/Tokyo") == "08:30, 25 Nov (Asia/Tokyo)"
    assert stamp(moment, "America/New_York") == "24 Nov 2026, 18:30"


def test_data_are_stale_when_a_nightly_run_is_late() -> None:
    assert not is_stale(NOW - timedelta(hours=25), NOW)
    assert is_stale(NOW - timedelta(hours=27), NOW)
    assert ago(NOW - timedelta(hours=27), NOW) == "27 h ago"


def test_markdown_in_foreign_text_is_escaped() -> None:
    escaped = literal("![a](http://b) *c* <d> $e$")
    assert escaped.replace("\\", "") == "![a](http://b) *c* <d> $e$"
    for special in "![]()*<>$:":
        assert escaped.count(special) == escaped.count("\\" + special) > 0


def test_a_command_in_a_sentence_of_ours_is_shown_as_one_and_nothing_else_is_markup() -> None:
    told = "Campaign *a* ends. `millstream campaign send *a*` goes on; a ` alone is one."
    assert sentence(told) == ("Campaign \\*a\\* ends\\. `millstream campaign send *a*` goes on; a \\` alone is one\\.")


def test_one_of_something_is_no_plural() -> None:
    assert [counted(n, "customer") for n in (0, 1, 1200)] == ["0 customers", "1 customer", "1,200 customers"]
    assert [counted(n, "person", "people") for n in (1, 2)] == ["1 person", "2 people"]
