"""Every number on every page is the command line's answer to the same question.

One row per page and view: how it is opened, and the texts that the commands' answers make. To add a page, add its rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest

from dashboards.parts.money import compact_money, money
from dashboards.parts.numbers import count, counted, factor, length, percent
from pipelines.cli import invoke
from tests.dashboards.places import CAMPAIGN
from tests.dashboards.reading import words

Ask = Callable[..., dict[str, Any]]
LAST = "2026-11-23"
THIRTY = ("--from", "2026-10-25", "--to", LAST)
KINDS = ("new", "expansion", "reactivation", "contraction", "churn")


@dataclass(frozen=True)
class View:
    """A page as it is opened, and what must stand on it in this order, by the command line."""

    page: str
    expected: Callable[[Ask], Iterator[str]]
    address: dict[str, Any] = field(default_factory=dict)


def _overview(ask: Ask) -> Iterator[str]:
    day, before = ask("revenue", "mrr", "--from", LAST), ask("revenue", "mrr", "--to", "2026-10-24", "--by", "day")
    now, then = day["rows"][-1], before["rows"][-1]
    assert now["mrr_minor"] != then["mrr_minor"]
    yield compact_money(now["mrr_minor"], "USD")
    cash = ask("revenue", "cash", *THIRTY)["rows"]
    yield compact_money(sum(row["net_minor"] for row in cash), "USD")
    yield count(now["customers"])
    moved = ask("revenue", "movements", *THIRTY)["rows"]
    yield count(sum(row["new_customers"] for row in moved))
    churn = ask("revenue", "churn", "--from", LAST, "--by", "day")["rows"][-1]
    yield percent(churn["customer_churn_rate_rolling_30d"])
    gained = sum(row[f"{kind}_minor"] for row in moved for kind in KINDS[:3])
    lost = -sum(row[f"{kind}_minor"] for row in moved for kind in KINDS[3:])
    yield factor(gained / lost)
    campaign = ask("campaign", "report", CAMPAIGN)
    yield CAMPAIGN
    yield count(campaign["states"]["accepted"])
    yield count(campaign["audience"])
    largest = ask("revenue", "movements", "--group", "customer", "--by", "day", *THIRTY)["rows"]
    found = sorted((abs(row[f"{kind}_minor"]) for row in largest for kind in KINDS), reverse=True)[:5]
    yield from (money(minor, "USD") for minor in found)


def _waterfall(ask: Ask) -> Iterator[str]:
    rows = ask("revenue", "movements")["rows"]
    yield money(next(row["opening_minor"] for row in rows if row["closing_minor"]), "USD")
    yield money(sum(row[f"{kind}_minor"] for row in rows for kind in KINDS), "USD")
    yield money(sum(row["fx_minor"] for row in rows), "USD")
    yield money(rows[-1]["closing_minor"], "USD")
    native = ask("revenue", "movements", "--currency", "native")["rows"]
    assert not any(row["fx_minor"] for row in native)
    yield "difference 0.00"


def _movements(ask: Ask) -> Iterator[str]:
    rows = ask("revenue", "movements")["rows"]
    counts = {"new": "new_customers", "churn": "churned_customers", "reactivation": "reactivated_customers"}
    parts = ask("revenue", "movements", "--group", "customer")["rows"]
    for row in rows:
        if not row["closing_minor"] and not any(row[f"{kind}_minor"] for kind in KINDS):
            continue
        own = [part for part in parts if part["period"] == row["period"]]
        yield money(row["opening_minor"], "USD")
        for kind in KINDS:
            people = row[counts[kind]] if kind in counts else sum(part[f"{kind}_minor"] != 0 for part in own)
            yield f"{money(row[f'{kind}_minor'], 'USD')} ({count(people)})" if people else "–"
        yield money(row["fx_minor"], "USD")
        yield money(row["closing_minor"], "USD")
    behind = sorted(
        (part["new_minor"] for part in parts if part["period"] == "2026-11-01" and part["new_customers"]), reverse=True
    )
    assert behind
    yield f"{count(len(behind))} customers · {money(sum(behind), 'USD')} in all"
    for minor in behind[:25]:
        yield money(minor, "USD")


def _cash(ask: Ask) -> Iterator[str]:
    rows = ask("revenue", "cash", "--currency", "EUR", "--by", "week", "--from", "2026-08-26")["rows"]
    names = ("gross", "refunds", "disputes", "fees", "net", "tax")
    for row in rows:
        yield from (money(row[f"{name}_minor"], "EUR") for name in names)
    yield from (money(sum(row[f"{name}_minor"] for row in rows), "EUR") for name in names)


def _funnel(ask: Ask) -> Iterator[str]:
    steps = ("--step", "Home", "--step", "Signed Up", "--window", "30d")
    for step in ask("funnel", *steps, "--from", "2026-10-25", "--to", LAST)["steps"]:
        yield count(step["users"])
        yield percent(step["conversion_from_start"])
        yield percent(step["conversion_from_previous"])
        yield length(step["median_conversion_seconds"])


def _retention(ask: Ask) -> Iterator[str]:
    question = {"target_event": "Home", "period": "week", "intervals": 8, "date_to": LAST}
    with NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(question, file)
        file.flush()
        told = ask("retention", "--query", file.name)
    yield f"{count(sum(row[0] for row in told['matrix']))} starts in 8 weeks"
    for row in told["matrix"]:
        yield from (count(cell) for cell in (row[0], *row) if cell is not None)


def _segments(ask: Ask) -> Iterator[str]:
    listed = ask("segment", "list")["segments"]
    yield f"{listed[0]['name']} {count(listed[0]['members'])} {', '.join(listed[0]['campaigns'])}"
    told = ask("segment", "preview", "everybody")
    yield f"People {count(told['size'])}"
    yield f"Share of all {percent(told['size'] / told['people'])}"
    yield f"May be mailed {count(told['mailable'])}"
    yield ", ".join(f"{reason.replace('_', ' ')} {count(number)}" for reason, number in told["not_mailable"].items())


def _campaigns(ask: Ask) -> Iterator[str]:
    told = ask("campaign", "report", CAMPAIGN)
    yield told["certificate"]
    for state, number in told["states"].items():
        if number:
            yield f"{state.replace('_', ' ')} {count(number)} {percent(number / told['audience'])}"
    for reason, number in told["reasons"].items():
        yield f"{reason.replace('_', ' ')} {count(number)}"


def _customers(ask: Ask) -> Iterator[str]:
    found = ask("customer", "list", "--sort", "lifetime", "--limit", "25")
    yield f"1 to {len(found['rows'])} of {count(found['total'])}"
    for row in found["rows"]:
        yield row["name"] or row["person_id"]
        yield row["email"]
        yield money(row["mrr_minor"], row["mrr_currency"]) if row["mrr_currency"] else "–"
        yield money(row["lifetime_value_minor"], row["currency"]) if row["currency"] else "–"


def _customer(ask: Ask) -> Iterator[str]:
    richest = ask("customer", "list", "--limit", "1")["rows"][0]["person_id"]
    told = ask("customer", "show", richest)
    traits, story = told["person"], told["timeline"]
    yield money(traits["mrr_minor"], traits["mrr_currency"])
    yield money(traits["lifetime_value_minor"], traits["currency"])
    yield counted(traits["payments_count"], "payment")
    yield "may be sent" if told["may_be_mailed"] else "not sent"
    for name in ("event_count", "page_view_count", "session_count"):
        yield f"{name.replace('_', ' ')} {count(traits[name])}"
    yield " · ".join(f"{kind} {count(number)}" for kind, number in story["by_kind"].items())
    for row in story["rows"]:
        yield row["what"].replace("_", " ")
        yield "–" if row["amount_minor"] is None else money(row["amount_minor"], row["currency"])


def _data_health(ask: Ask) -> Iterator[str]:
    yield f"published {ask('revenue', 'mrr')['snapshot']} –"


VIEWS = {
    "overview": View("overview", _overview),
    "waterfall": View("revenue", _waterfall),
    "movements": View("revenue", _movements, {"tab": "Movements", "cell": "new~2026-11-01"}),
    "cash": View("revenue", _cash, {"tab": "Cash", "range": "90d", "by": "week", "cur": "EUR"}),
    "funnel": View("funnel", _funnel, {"steps": "Home~Signed Up", "window": "30 days"}),
    "retention": View(
        "retention", _retention, {"start": "Home", "kind": "every time", "cohorts": "8", "show": "people"}
    ),
    "segments": View("segments", _segments, {"segment": "everybody"}),
    "campaigns": View("campaigns", _campaigns),
    "customers": View("customers", _customers, {"sort": "most paid"}),
    "customer": View("customers", _customer, {"person": "RICHEST"}),
    "data_health": View("data_health", _data_health),
}


@pytest.fixture
def ask(filled_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """The command line's answer over the folder that the pages are opened on."""

    def asked(*arguments: str) -> dict[str, Any]:
        monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(filled_folder))
        monkeypatch.setenv("MILLSTREAM_CONSENT", "customers")
        capsys.readouterr()
        assert invoke([*arguments, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return asked


@pytest.mark.parametrize("name", VIEWS)
def test_every_number_of_a_page_is_the_command_line_s(open_page, filled_folder: Path, ask: Ask, name: str) -> None:
    view = VIEWS[name]
    address = dict(view.address)
    if address.get("person"):
        address["person"] = ask("customer", "list", "--limit", "1")["rows"][0]["person_id"]
    wanted = list(view.expected(ask))
    app = open_page(filled_folder, view.page, address)
    assert not app.exception
    assert not app.error
    text, at = _text(words(app)), 0
    for one in wanted:
        found = text.find(one, at)
        assert found >= 0, f"{one!r} is not on the page after {text[max(0, at - 60) : at]!r}"
        at = found + len(one)


def _text(markup: str) -> str:
    """What can be read: no style, no tags, single spaces."""
    without_style = re.sub(r"<style>.*?</style>", " ", markup, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without_style)).split())
