from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.charts.funnel_bars import Bar, funnel_bars
from dashboards.charts.line_compare import NOW, TAIL, Point, line_compare
from dashboards.charts.movement_bars import KINDS, Month, movement_bars
from dashboards.charts.option import ticks
from dashboards.charts.palette import DARK, LIGHT, Palette, palette
from dashboards.charts.sankey import Band, sankey
from dashboards.charts.sparkline import sparkline
from dashboards.charts.trend_lines import BEFORE, Drawn, trend_lines, unique

CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"
THEMES = pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])


@given(st.floats(-1e7, 1e7), st.floats(-1e7, 1e7))
def test_grid_lines_cover_the_data_and_zero_at_even_steps(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    marks = ticks(low, high)
    assert marks[0] <= min(low, 0) + 1e-6
    assert marks[-1] >= max(high, 0) - 1e-6
    assert 0 in marks
    assert 2 <= len(marks) <= 12
    steps = [b - a for a, b in pairwise(marks)]
    assert steps == pytest.approx([steps[0]] * len(steps))


def test_the_day_that_is_not_over_is_a_dotted_tail_that_meets_the_line() -> None:
    points = [Point("22 Nov", 5, 4, True), Point("23 Nov", 6, 4, True), Point("24 Nov", 1, None, False)]
    spec = line_compare(points, currency="USD", before="Before", alt="x", colours=LIGHT).spec
    frame = spec["dataset"]["source"]
    assert frame[NOW].to_list() == [5, 6, None]
    assert frame[TAIL].to_list() == [None, 6, 1]
    assert spec["series"][1]["lineStyle"]["type"] == "dotted"


def test_a_range_of_whole_days_has_no_tail() -> None:
    spec = line_compare([Point("a", 1, None, True)], currency="USD", before="B", alt="x", colours=LIGHT).spec
    assert [one["name"] for one in spec["series"]] == [NOW]


def test_kinds_of_movement_keep_their_order_and_colour_whatever_the_data() -> None:
    for amounts in ({"new": 5.0, "churn": -3.0}, {"contraction": -9.0}):
        months = [Month("Nov", {kind: amounts.get(kind, 0.0) for kind in KINDS}, True)]
        series = movement_bars(months, currency="USD", alt="x", colours=DARK).spec["series"]
        assert [one["name"].lower() for one in series] == list(KINDS)
        assert [one["itemStyle"]["color"] for one in series] == [DARK.movements[kind] for kind in KINDS]


def test_a_month_that_is_not_over_is_striped_and_counted_once() -> None:
    months = [Month(name, dict.fromkeys(KINDS, 1.0), over) for name, over in (("Oct", True), ("Nov", False))]
    spec = movement_bars(months, currency="USD", alt="x", colours=LIGHT).spec
    frame = spec["dataset"]["source"]
    assert frame["New"].to_list() == [1.0, None]
    assert frame["New (so far)"].to_list() == [None, 1.0]
    striped = [one for one in spec["series"] if one["itemStyle"]["decal"]["color"] != "transparent"]
    assert [one["name"] for one in striped] == [f"{kind.capitalize()} (so far)" for kind in KINDS]


def test_lines_are_dotted_from_the_last_whole_period_and_the_rest_is_grey() -> None:
    lines = [Drawn("a", [1, 2, 3]), Drawn("other", [4, None, 6], is_other=True)]
    spec = trend_lines("xyz", lines, whole=[False, True, False], before=[7, 8, 9], alt="x", colours=LIGHT).spec
    assert spec["dataset"]["source"].to_dict(as_series=False) == {
        "label": ["x", "y", "z"],
        "a": [1, 2, None],
        "a (so far)": [None, 2, 3],
        "other": [4, None, None],
        "other (so far)": [None, None, 6],
        BEFORE: [7, 8, 9],
    }
    assert [one["lineStyle"]["type"] for one in spec["series"]] == ["solid", "dotted", "solid", "dotted", "dashed"]
    assert [one["itemStyle"]["color"] for one in spec["series"]][2:] == [LIGHT.muted] * 3
    assert spec["series"][0]["symbol"] != spec["series"][2]["symbol"]


@given(st.lists(st.text("ab", max_size=3) | st.sampled_from(["label", BEFORE, "a (so far)", "a" * 50, "a" * 51])))
def test_names_in_a_legend_are_never_alike(names: list[str]) -> None:
    columns = [column for name in unique(names) for column in (name, f"{name} (so far)")]
    assert len({*columns, "label", BEFORE}) == len(columns) + 2


@pytest.mark.parametrize("is_left", [True, False])
def test_bands_are_drawn_from_what_the_table_has(is_left: bool) -> None:
    bands = [Band("Home  3", 3), Band("{b} 2", 2), Band("nothing 1", 1, is_quiet=True)]
    spec = sankey("Home", bands, is_left=is_left, alt="x", colours=LIGHT).spec
    (series,), frame = spec["series"], spec["dataset"]["source"]
    labels = {one["name"]: one["label"]["formatter"].replace("\u200b", "") for one in series["data"]}
    drawn = [(labels[one["source"]], labels[one["target"]], one["value"]) for one in series["links"]]
    assert drawn == frame.rows()
    assert drawn[0] == (("Home  3", "Home", 3) if is_left else ("Home", "Home  3", 3))
    assert "{b}" not in series["data"][2]["label"]["formatter"]
    assert series["links"][2]["lineStyle"]["color"] == LIGHT.muted


def test_nothing_moves_by_itself() -> None:
    options = [
        line_compare([Point("a", 1, 1, True)], currency="EUR", before="B", alt="x", colours=LIGHT),
        movement_bars([Month("a", dict.fromkeys(KINDS, 0.0), True)], currency="EUR", alt="x", colours=LIGHT),
        funnel_bars([Bar("a", 1, "1"), Bar("b", 0, "0")], alt="x", colours=LIGHT),
        trend_lines(["a"], [Drawn("b", [1])], whole=[True], before=None, alt="x", colours=LIGHT),
        sankey("a", [Band("b", 1)], is_left=True, alt="x", colours=LIGHT),
    ]
    assert all(option.spec["animation"] is False for option in options)


@given(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=30))
def test_a_small_line_stays_inside_its_tile(values: list[float | None]) -> None:
    drawn = sparkline(values, "#2457D6")
    assert (drawn == "") == (sum(value is not None for value in values) < 2)
    assert "nan" not in drawn
    assert "inf" not in drawn


@THEMES
def test_colours_equal_the_theme_file(theme: str, colours: Palette) -> None:
    told = tomllib.loads(CONFIG.read_text())["theme"][theme]
    assert palette(theme) is colours
    assert colours.background == told["backgroundColor"]
    assert colours.surface == told["secondaryBackgroundColor"]
    assert colours.text == told["textColor"]
    assert colours.muted == told["grayColor"]
    assert colours.border == told["borderColor"]
    assert colours.accent == told["primaryColor"]
    assert colours.good == told["greenColor"]
    assert colours.warning == told["orangeColor"]
    assert colours.bad == told["redColor"]


@THEMES
def test_text_has_a_contrast_of_four_and_a_half_and_marks_of_three(theme: str, colours: Palette) -> None:
    for ground in (colours.background, colours.surface):
        for text in (colours.text, colours.muted, colours.good, colours.warning, colours.bad, colours.accent):
            assert contrast(text, ground) >= 4.5
    for mark in (*colours.movements.values(), *colours.lines):
        assert contrast(mark, colours.background) >= 3


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours `#RRGGBB`."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
