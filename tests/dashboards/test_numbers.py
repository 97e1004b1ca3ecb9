"""Every number on every page is the command line's answer to the same question.

One row per view of a page: how it is opened, the texts that the commands' answers make, in the order of
the page, and what its charts and small lines are drawn from. A number on the page that no text tells
fails the walk (`walk.py` names the few things that are no answer), so does a chart without its columns.
To add a page, write what the commands say to it (`told_*.py`) and add its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dashboards.charts.palette import LIGHT
from dashboards.charts.sparkline import sparkline
from tests.dashboards import told_behaviour as behaviour
from tests.dashboards import told_overview as overview
from tests.dashboards import told_people as people
from tests.dashboards import told_revenue as revenue
from tests.dashboards import told_subscriptions as subscriptions
from tests.dashboards.asking import Ask
from tests.dashboards.places import CAMPAIGN, WAITING, crowd
from tests.dashboards.reading import Columns, charts, pieces, shades, sparklines
from tests.dashboards.walk import walk

Address = dict[str, Any]


@dataclass(frozen=True)
class View:
    """A page as it is opened, and what the command line says to it."""

    page: str
    told: Callable[[Ask], Iterator[str]]
    address: Address | Callable[[Ask], Address] = field(default_factory=dict)
    charts: Callable[[Ask], list[Columns]] = lambda _ask: []
    lines: Callable[[Ask], list[list[Any]]] = lambda _ask: []
    shades: Callable[[Ask], list[float]] = lambda _ask: []


def _richest(ask: Ask) -> Address:
    return {"person": people.richest(ask)}


FUNNEL = behaviour.STEPS
REACHED = {**FUNNEL, "people": "reached step 2"}
DROPPED = {**FUNNEL, "people": "dropped before step 2", "share": "of the step before"}
COHORTS = {"start": "Home", "kind": "every time", "cohorts": "8"}
PEOPLE = {**COHORTS, "show": "people"}
CELL = {"tab": "Movements", "cell": "new~2026-11-01"}
EUROS = {"tab": "Cash", "range": "90d", "by": "week", "cur": "EUR", "how-cash": "true"}
WORTH = {"tab": "Value", "cur": "EUR", "how-ltv": "true"}
LIVES = {"tab": "Survival", "how-survival": "true"}
TRIALS = {"tab": "Trials", "how-trials": "true"}
VIEWS = {
    "overview": View("overview", overview.overview, {}, overview.overview_charts, overview.overview_lines),
    "waterfall": View("revenue", revenue.waterfall, {"how-movements": "true"}, revenue.waterfall_charts),
    "movements": View("revenue", revenue.movements, CELL, revenue.movements_charts),
    "groups": View("revenue", revenue.groups, {"tab": "Groups", "apart": "country"}),
    "restated": View("revenue", revenue.restated, {"tab": "Restated", "told": "2026-11-24"}),
    "cash": View("revenue", revenue.cash, EUROS, revenue.cash_charts),
    "profiles": View("revenue", revenue.profiles, {"tab": "Profiles"}, revenue.profiles_charts),
    "kept": View("subscriptions", subscriptions.kept, {"how-nrr": "true"}, subscriptions.kept_charts),
    "cohorts": View(
        "subscriptions", subscriptions.cohorts_in_people, {"tab": "Cohorts"}, shades=subscriptions.shades_in_people
    ),
    "cohorts in money": View(
        "subscriptions",
        subscriptions.cohorts_in_money,
        {"tab": "Cohorts", "show": "MRR"},
        shades=subscriptions.shades_in_money,
    ),
    "value": View("subscriptions", subscriptions.worth, WORTH, lines=subscriptions.worth_lines),
    "survival": View("subscriptions", subscriptions.lives, LIVES, subscriptions.lives_charts),
    "trials": View("subscriptions", subscriptions.trials, TRIALS, subscriptions.trials_charts),
    "recovery": View("subscriptions", subscriptions.recovery, {"tab": "Recovery", "how-recovery": "true"}),
    "outlook": View("subscriptions", subscriptions.outlook, {"tab": "Outlook", "how-scheduled": "true"}),
    "funnel": View("funnel", behaviour.funnel_people, REACHED, behaviour.funnel_of_the_first),
    "funnel by step before": View("funnel", behaviour.funnel_dropped, DROPPED, behaviour.funnel_of_the_before),
    "funnel split": View("funnel", behaviour.funnel_split, behaviour.SPLIT, behaviour.funnel_split_charts),
    "times to convert": View("funnel", behaviour.times, behaviour.TIMES, behaviour.times_charts),
    "trend": View("funnel", behaviour.trend, {**FUNNEL, "graph": "trend", "by": "week"}, behaviour.trend_charts),
    "trends": View("trends", behaviour.trends, {**behaviour.SERIES, "split": "path"}, behaviour.trends_charts),
    "ratio": View("trends", behaviour.ratio, {**behaviour.SERIES, "formula": "B / A"}, behaviour.ratio_charts),
    "paths": View("paths", behaviour.paths_next, behaviour.WALK, behaviour.bands_next),
    "paths before": View("paths", behaviour.paths_before, behaviour.BACK, behaviour.bands_before),
    "retention": View("retention", behaviour.retention_shares, COHORTS, shades=behaviour.shades),
    "retention in people": View("retention", behaviour.retention_people, PEOPLE, shades=behaviour.shades),
    "segment": View("segments", people.segment, {"segment": "visitors"}),
    "campaign": View("campaigns", people.campaign, {"campaign": CAMPAIGN}),
    "campaign to send": View("campaigns", people.waiting_campaign, {"campaign": WAITING}),
    "customers": View("customers", people.customers, {"sort": "most paid"}),
    "customer": View("customers", people.customer, _richest),
    "data health": View("data_health", people.data_health),
}


@pytest.fixture(scope="module")
def ask(filled_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """The command line over a folder in which pages have something to show everywhere."""
    return Ask(crowd(filled_folder, tmp_path_factory.mktemp("crowd") / "data"))


@pytest.mark.parametrize("name", VIEWS)
def test_every_number_of_a_page_is_the_command_line_s(
    open_page, ask: Ask, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = VIEWS[name]
    for setting, value in ask.environment.items():
        monkeypatch.setenv(setting, value)
    told = [*view.told(ask), f"snapshot {ask('doctor')['snapshot']}"]
    app = open_page(ask.folder, view.page, view.address(ask) if callable(view.address) else view.address)
    assert not app.exception
    assert not app.error
    walk(pieces(app), told)
    assert sparklines(app) == [sparkline(values, LIGHT.accent) for values in view.lines(ask)]
    _stronger_the_more(view.shades(ask), shades(app))
    drawn, wanted = charts(app), view.charts(ask)
    assert [list(columns) for columns in drawn] == [list(columns) for columns in wanted]
    for columns, told_columns in zip(drawn, wanted, strict=True):
        for column, values in told_columns.items():
            assert columns[column] == pytest.approx(values), column


def _stronger_the_more(shares: list[float], seen: list[int]) -> None:
    """Every share has its colour, and of two cells the one with the larger share is never the paler one."""
    assert len(shares) == len(seen)
    by_share = [shade for _, shade in sorted(zip(shares, seen, strict=True))]
    assert by_share == sorted(seen)
    assert not seen or len(set(seen)) > 1


def test_each_page_is_walked() -> None:
    pages = {path.stem for path in (Path(__file__).parents[2] / "dashboards" / "app_pages").glob("*.py")}
    assert {view.page for view in VIEWS.values()} == pages


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (["People", "12"], []),
        (["People", "12"], ["People 1"]),
        (["People", "112"], ["12"]),
        (["Lost", "−$5.00"], ["$5.00"]),
        (["Share", "12.5 %"], ["12.5"]),
        (["1,234"], ["234"]),
        (["On 24 Nov 2026"], ["24"]),
        (["12", "13"], ["13", "12"]),
    ],
)
def test_the_walk_finds_what_nobody_told(page: list[str], told: list[str]) -> None:
    with pytest.raises(AssertionError):
        walk(page, told)


def test_the_walk_ends_where_all_is_told() -> None:
    walk(["Net revenue, 30 days", "$12.00", "on 24 Nov 2026, 05:12", "3", "(4)"], ["$12.00", "3", "(4)"])
