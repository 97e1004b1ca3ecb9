"""The API over a real gateway and a built folder: it answers what the command line answers, in the same words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, select

from pipelines.accounts import add_user, make_token
from pipelines.cli import invoke, revenue
from pipelines.cli.explain import Explained
from pipelines.gateway.api.answers import ANSWERS
from pipelines.gateway.api.commands import BY_NAME, COMMANDS
from pipelines.gateway.app import create_app
from pipelines.revenue import asked as revenue_asked
from pipelines.revenue.groupings import GROUPS
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from pipelines.state.tables import audit_log
from tests.dashboards.places import CAMPAIGN, NOW, settings_of
from tests.gateway.calling import Answer, Caller, serving

pytestmark = pytest.mark.xdist_group("api")

STEPS = [{"event": "Signed Up"}, {"event": "Report Exported"}, {"event": "stripe:invoice_paid"}]
HOSTILE = [
    "'; drop table marts.fct_events; --",
    '"',
    "\x00",
    "$1",
    "{{ 7 * 7 }}",
    "../../etc/passwd",
    "ünï\u2028code",
    "\\",
]
WHERE = [{"or": [{"property": word, "op": "eq", "value": word} for word in HOSTILE]}]
ALIKE = {"name": "visitors too", "match": {"any": [{"segment": "visitors"}, {"not": {"segment": "everybody"}}]}}


@dataclass(frozen=True)
class Case:
    """One question both ways; `query` is a document, given to the command as a file."""

    command: str
    words: list[str]
    path: str
    body: Any = None
    query: Any = None
    suffix: str = ".json"
    beside: tuple[str, ...] = field(default=())
    """Keys of the answer that change by themselves."""


def behaviour(command: str, query: dict[str, Any], *, users: bool = False) -> Case:
    words = [command, "--query", "FILE", *(["--users"] if users else [])]
    return Case(command, words, f"/v1/api/{command}{'?users=true' if users else ''}", query, query)


CASES = [
    behaviour("funnel", {"steps": STEPS, "window": {"value": 60, "unit": "day"}}),
    behaviour("funnel", {"steps": STEPS[:2], "breakdown": {"property": "channel"}}, users=True),
    behaviour("funnel", {"steps": STEPS[:2], "kind": "funnel_trends", "interval": "week"}),
    behaviour("funnel", {"steps": STEPS[:2], "kind": "funnel_time_to_convert", "bin_count": 5}),
    behaviour("funnel", {"steps": [{"event": word} for word in HOSTILE], "where": WHERE, "order": "unordered"}),
    behaviour("retention", {"target_event": "Signed Up", "period": "week", "intervals": 5}),
    behaviour("retention", {"target_event": HOSTILE[0], "where": WHERE}),
    behaviour("trends", {"series": [{"event": "Home"}, {"event": "Signed Up", "measure": "unique"}], "formula": "A / B",
                         "interval": "month", "compare": True}),
    behaviour("trends", {"series": [{"event": HOSTILE[0], "where": WHERE}], "breakdown": {"property": HOSTILE[0]}}),
    behaviour("paths", {"event": "Signed Up", "direction": "previous", "limit": 3}),
    behaviour("paths", {"event": HOSTILE[1], "where": WHERE}),
    Case("revenue", ["revenue", "mrr"], "/v1/api/revenue/mrr"),
    Case("revenue", ["revenue", "movements", "--from", "2026-10-01", "--to", "2026-10-20", "--by", "week"],
         "/v1/api/revenue/movements?from=2026-10-01&to=2026-10-20&by=week"),
    Case("revenue", ["revenue", "movements", "--group", "customer"], "/v1/api/revenue/movements?group=customer"),
    Case("revenue", ["revenue", "mrr", "--group", "product", "--from", "2026-09-01"],
         "/v1/api/revenue/mrr?group=product&from=2026-09-01"),
    Case("revenue", ["revenue", "mrr", "--as-reported", "2026-11-24"], "/v1/api/revenue/mrr?as_reported=2026-11-24"),
    Case("revenue", ["revenue", "diff", "--against", "1"], "/v1/api/revenue/diff?against=1"),
    Case("revenue", ["revenue", "churn", "--currency", "eur"], "/v1/api/revenue/churn?currency=eur"),
    Case("revenue", ["revenue", "cash", "--currency", "native", "--account", "default"],
         "/v1/api/revenue/cash?currency=native&account=default"),
    *(
        Case("revenue", ["revenue", report, "--from", "2026-08-01"], f"/v1/api/revenue/{report}?from=2026-08-01")
        for report in ("nrr", "quick_ratio", "arpa", "ltv", "survival", "trials", "recovery", "scheduled", "deferred")
    ),
    Case("revenue", ["revenue", "cohorts", "--basis", "payments", "--by", "week"],
         "/v1/api/revenue/cohorts?basis=payments&by=week"),
    Case("explain", ["explain", "deferred", "--at", "2026-11-01"], "/v1/api/explain/deferred", {"at": "2026-11-01"}),
    Case("explain", ["explain", "mrr", "--at", "2026-11-01"], "/v1/api/explain/mrr", {"at": "2026-11-01"}),
    Case("segment_list", ["segment", "list"], "/v1/api/segment/list"),
    Case("segment_show", ["segment", "show", "visitors"], "/v1/api/segment/show/visitors"),
    Case("segment_fields", ["segment", "fields"], "/v1/api/segment/fields"),
    Case("segment_preview", ["segment", "preview", "visitors"], "/v1/api/segment/preview/visitors?users=true"),
    Case("segment_preview", ["segment", "preview", "everybody", "--as-of", "2026-11-24"],
         "/v1/api/segment/preview/everybody?users=1&as_of=2026-11-24"),
    Case("segment_preview_of", ["segment", "preview", "FILE"], "/v1/api/segment/preview?users=true",
         {**ALIKE, "name": "visitors_too"}, {**ALIKE, "name": "visitors_too"}),
    Case("segment_members", ["segment", "members", "visitors"], "/v1/api/segment/members/visitors"),
    Case("segment_members", ["segment", "members", "visitors", "--history"],
         "/v1/api/segment/members/visitors?history=true"),
    Case("segment_overlap", ["segment", "overlap", "visitors", "everybody"],
         "/v1/api/segment/overlap?name=visitors&name=everybody"),
    Case("campaign_list", ["campaign", "list"], "/v1/api/campaign/list"),
    Case("campaign_show", ["campaign", "show", CAMPAIGN], f"/v1/api/campaign/show/{CAMPAIGN}"),
    Case("campaign_report", ["campaign", "report", CAMPAIGN], f"/v1/api/campaign/report/{CAMPAIGN}"),
    Case("campaign_report", ["campaign", "report", CAMPAIGN, "--recipients"],
         f"/v1/api/campaign/report/{CAMPAIGN}?recipients=true"),
    Case("customer_list", ["customer", "list", "a", "--sort", "name", "--limit", "3"], "/v1/api/customer/list",
         {"text": "a", "sort": "name", "limit": 3}),
    Case("customer_list", ["customer", "list", HOSTILE[0]], "/v1/api/customer/list", {"text": HOSTILE[0]}),
    Case("source_list", ["source", "list"], "/v1/api/source/list"),
    Case("doctor", ["doctor", "--offline"], "/v1/api/doctor", beside=("disk",)),
]  # fmt: skip

WRONG = [
    behaviour("funnel", {"steps": STEPS[:1]}),
    behaviour("funnel", {"steps": STEPS, "colour": HOSTILE[0]}),
    behaviour("funnel", {"steps": STEPS, "where": [{"property": "p", "op": HOSTILE[0], "value": 1}]}),
    behaviour("funnel", {"steps": STEPS, "exclusions": [{"event": "x", "from_step": 0, "to_step": 9}]}),
    behaviour("funnel", {"steps": STEPS, "kind": "funnel_trends"}, users=True),
    behaviour("retention", {"period": "fortnight"}),
    behaviour("trends", {"series": [{"event": "a", "measure": "sum"}]}),
    behaviour("trends", {"series": [{"event": "a"}], "formula": "A + B"}),
    behaviour("paths", {"direction": "next"}),
    Case("revenue", ["revenue", "mrr", "--from", "yesterday"], "/v1/api/revenue/mrr?from=yesterday"),
    Case("revenue", ["revenue", "mrr", "--from", "2026-10-01", "--to", "2026-09-01"],
         "/v1/api/revenue/mrr?from=2026-10-01&to=2026-09-01"),
    Case("revenue", ["revenue", "diff", "--against", "99"], "/v1/api/revenue/diff?against=99"),
    Case("revenue", ["revenue", "diff"], "/v1/api/revenue/diff"),
    Case("revenue", ["revenue", "mrr", "--as-reported", "2020-01-01"], "/v1/api/revenue/mrr?as_reported=2020-01-01"),
    Case("revenue", ["revenue", "cash", "--currency", "XYZ"], "/v1/api/revenue/cash?currency=XYZ"),
    Case("revenue", ["revenue", "cash", "--group", "customer"], "/v1/api/revenue/cash?group=customer"),
    Case("revenue", ["revenue", "survival", "--by", "week"], "/v1/api/revenue/survival?by=week"),
    Case("revenue", ["revenue", "trials", "--currency", "USD"], "/v1/api/revenue/trials?currency=USD"),
    Case("revenue", ["revenue", "nrr", "--basis", "payments"], "/v1/api/revenue/nrr?basis=payments"),
    Case("revenue", ["revenue", "mrr", "--account", HOSTILE[0]], f"/v1/api/revenue/mrr?account={quote(HOSTILE[0])}"),
    Case("explain", ["explain", "mrr", "--at", HOSTILE[1]], "/v1/api/explain/mrr", {"at": HOSTILE[1]}),
    Case("explain", ["explain", "cash", "--at", "2026-11-01", "--customer", HOSTILE[0]], "/v1/api/explain/cash",
         {"at": "2026-11-01", "customer": HOSTILE[0]}),
    Case("segment_show", ["segment", "show", HOSTILE[0]], f"/v1/api/segment/show/{quote(HOSTILE[0])}"),
    Case("segment_preview", ["segment", "preview", "everybody", "--as-of", "soon"],
         "/v1/api/segment/preview/everybody?as_of=soon"),
    Case("segment_preview_of", ["segment", "preview", "FILE"], "/v1/api/segment/preview",
         {"name": "x", "match": {"trait": {"field": HOSTILE[0], "op": "eq", "value": 1}}},
         {"name": "x", "match": {"trait": {"field": HOSTILE[0], "op": "eq", "value": 1}}}),
    Case("segment_overlap", ["segment", "overlap", "visitors"], "/v1/api/segment/overlap?name=visitors"),
    Case("campaign_report", ["campaign", "report", HOSTILE[4]], f"/v1/api/campaign/report/{quote(HOSTILE[4])}"),
    Case("customer_list", ["customer", "list", "--sort", HOSTILE[0]], "/v1/api/customer/list", {"sort": HOSTILE[0]}),
    Case("customer_show", ["customer", "show", "nobody"], "/v1/api/customer/show", {"person": "nobody"}),
    Case("customer_show", ["customer", "show", "nobody", "--kind", "dream"], "/v1/api/customer/show",
         {"person": "nobody", "kind": ["dream"]}),
]  # fmt: skip


@pytest.fixture
def ask(asked_gateway: Caller, tokens: dict[str, str]) -> Callable[..., Answer]:
    def asked(path: str, body: Any = None, role: str = "admin", **more: Any) -> Answer:
        return asked_gateway.api(path, body, token=tokens[role], **more)

    return asked


@pytest.fixture
def millstream(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Case], tuple[int, str, str]]:
    """The same question by the command line: exit code, stdout, stderr."""
    for name, value in settings_of(folder).environment().items():
        monkeypatch.setenv(name, value)

    def run(case: Case) -> tuple[int, str, str]:
        file = tmp_path / f"question{case.suffix}"
        file.write_text(json.dumps(case.query))
        code = invoke([str(file) if word == "FILE" else word for word in (*case.words, "--json")])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def named(case: Case) -> str:
    return case.path.removeprefix("/v1/api/")[:50]


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_api_answers_what_the_command_line_answers(
    ask: Callable[..., Answer], millstream: Callable[[Case], tuple[int, str, str]], case: Case
) -> None:
    code, out, err = millstream(case)
    assert code == 0, err
    answer = ask(case.path, case.body)
    assert answer.status == 200, answer.text
    ours, theirs = answer.document, json.loads(out)
    assert set(ours) == set(theirs)
    assert set(BY_NAME[case.command].tells) <= set(ours)
    for key in case.beside:
        ours.pop(key), theirs.pop(key)
    assert ours == theirs
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")


def test_every_command_is_asked_both_ways() -> None:
    assert {case.command for case in (*CASES, *WRONG)} == set(BY_NAME) == set(ANSWERS) - {"openapi"}
    assert len(BY_NAME) == len(COMMANDS)


def test_one_person_is_told_as_on_the_command_line(
    ask: Callable[..., Answer], millstream: Callable[[Case], tuple[int, str, str]]
) -> None:
    person = ask("/v1/api/customer/list", {"limit": 1}).document["rows"][0]["person_id"]
    words = ["customer", "show", person, "--kind", "payment", "--kind", "mrr", "--limit", "5"]
    _, out, _ = millstream(Case("customer_show", words, ""))
    answer = ask("/v1/api/customer/show", {"person": person, "kind": ["payment", "mrr"], "limit": 5})
    assert answer.document == json.loads(out)
    assert answer.document["timeline"]["rows"]
    assert set(BY_NAME["customer_show"].tells) == set(answer.document)


@pytest.mark.parametrize("case", WRONG, ids=named)
def test_a_wrong_call_is_400_in_the_words_of_the_command_line(
    ask: Callable[..., Answer], millstream: Callable[[Case], tuple[int, str, str]], case: Case
) -> None:
    code, out, err = millstream(case)
    assert (code, out) == (2, "")
    answer = ask(case.path, case.body)
    assert answer.status == 400
    assert answer.document == {"error": err.strip().removeprefix("millstream: ")}


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/v1/api/revenue/weather", None, "report: write one of 'mrr', 'movements'"),
        ("/v1/api/revenue/mrr?by=hour", None, "by: write one of 'day', 'week', 'month'"),
        ("/v1/api/revenue/mrr?by=day&by=week", None, "by: stands twice"),
        ("/v1/api/revenue/mrr?report=cash", None, "report: stands twice"),
        ("/v1/api/revenue/mrr?colour=red", None, "colour: there is no such parameter"),
        ("/v1/api/revenue/mrr?account=" + "x" * 300, None, "account: String should have at most 200"),
        ("/v1/api/explain/mrr", {}, "at: is missing"),
        ("/v1/api/explain/mrr", {"at": 5}, "at: Input should be a valid string"),
        ("/v1/api/explain/mrr", {"at": "2026-01-01", "report": "cash"}, "report: stands twice"),
        ("/v1/api/explain/mrr?at=2026-01-01", {}, "at: belongs into the body"),
        ("/v1/api/customer/show?person=ann%40example.com", {}, "person: belongs into the body"),
        ("/v1/api/explain/mrr", b"[]", "the body is no JSON object"),
        ("/v1/api/explain/mrr", b"\xff", "the body is no JSON object"),
        ("/v1/api/funnel", b"{", "query: no valid JSON"),
        ("/v1/api/funnel", b"5", "query: a query document is one JSON object"),
        ("/v1/api/funnel", b"\xff", "the body is no text in UTF-8"),
        ("/v1/api/funnel", b'{"steps": [{"event": "\\ud800"}, {"event": "b"}]}', "query: no valid JSON"),
        ("/v1/api/funnel", b'{"where":' + b'{"and":[' * 5000 + b"]}" * 5000 + b"}", "query: no valid JSON"),
        ("/v1/api/funnel?users=perhaps", {"steps": STEPS}, "users: Input should be a valid boolean"),
        ("/v1/api/segment/preview", b"name: [", "the segment document is no YAML"),
        ("/v1/api/segment/preview", b"name: &a x\nmatch: *a", "the segment document is no YAML: an alias (*name)"),
        ("/v1/api/customer/list", {"limit": 1001}, "limit: Input should be less than or equal to 1000"),
        ("/v1/api/customer/list", {"page": 10**30}, "page: "),
        ("/v1/api/customer/show", {"person": "x" * 400}, "person: String should have at most 320"),
        ("/v1/api/segment/overlap", None, "name: is missing"),
    ],
)  # fmt: skip
def test_what_only_http_can_get_wrong_is_400_with_the_name(
    ask: Callable[..., Answer], path: str, body: Any, words: str
) -> None:
    answer = ask(path, body)
    assert answer.status == 400, answer.text
    assert answer.document["error"].startswith(words)


def test_a_body_over_the_limit_is_413_and_one_at_it_is_read(ask: Callable[..., Answer]) -> None:
    body = json.dumps({"steps": STEPS}).encode()
    full = body + b" " * (256 * 1024 - len(body))
    assert ask("/v1/api/funnel", full).status == 200
    assert ask("/v1/api/funnel", full + b" ").status == 413


def test_people_are_named_only_when_asked_for_and_only_to_who_may_see_them(
    ask: Callable[..., Answer], store: Engine
) -> None:
    query = {"steps": STEPS}
    assert "user_ids" not in ask("/v1/api/funnel", query, "marketer").text
    assert "user_ids" not in ask("/v1/api/funnel", query, "reader").text
    preview = ask("/v1/api/segment/preview/visitors", role="marketer").document
    assert {"sample", "sentence"}.isdisjoint(preview)
    assert [set(rule) for rule in preview["loss_by_rule"]] == [{"rule", "left", "lost"}] * 2
    naming: list[tuple[str, Any]] = [
        ("/v1/api/funnel?users=true", query),
        ("/v1/api/revenue/movements?group=customer", None),
        ("/v1/api/explain/mrr", {"at": "2026-11-01"}),
        ("/v1/api/segment/show/visitors", None),
        ("/v1/api/segment/preview/visitors?users=true", None),
        ("/v1/api/segment/members/visitors", None),
        (f"/v1/api/campaign/report/{CAMPAIGN}?recipients=true", None),
        ("/v1/api/customer/list", {}),
        ("/v1/api/customer/show", {"person": "nobody"}),
    ]
    before = noted(store)
    for path, body in naming:
        answer = ask(path, body, "reader")
        assert (answer.status, answer.document) == (
            403, {"error": "this answer names people, and your role may not see them"},
        ), path  # fmt: skip
    assert noted(store) == before
    for path, body in naming[:-1]:
        assert ask(path, body, "marketer").status == 200, path
    assert noted(store)[len(before) :] == [
        ("marketer", name)
        for name in ("funnel", "revenue", "explain", "segment_show", "segment_preview", "segment_members", "campaign_report",
                     "customer_list")
    ]  # fmt: skip


def test_traits_of_people_are_listed_only_to_who_may_see_people(ask: Callable[..., Answer]) -> None:
    by = {"property": "email", "scope": "user"}
    for path, query in (
        ("/v1/api/funnel", {"steps": STEPS, "breakdown": by}),
        ("/v1/api/trends", {"series": [{"event": "Home"}], "breakdown": by}),
        ("/v1/api/funnel", {"steps": STEPS, "breakdown": {"property": "customer_id"}}),
        ("/v1/api/trends", {"series": [{"event": "identify"}], "breakdown": {"property": "email"}}),
        ("/v1/api/trends", {"series": [{"event": None}], "breakdown": {"property": "email"}}),
        ("/v1/api/funnel", {"steps": [*STEPS, {"event": "alias"}], "breakdown": {"property": "previousId"}}),
    ):
        answer = ask(path, query, "reader")
        assert (answer.status, answer.document) == (
            403, {"error": "breakdown: splits by a trait of people, and your role may not see them"},
        )  # fmt: skip
        assert ask(path, query, "marketer").status == 200
        # By whatever else, but for the calls that tell of people: there every property may be a trait or an id.
        by_channel = {**query, "breakdown": {"property": "channel"}}
        tells = any(word in str(query) for word in ("'identify'", "'alias'", "None"))
        assert ask(path, by_channel, "reader").status == (403 if tells else 200)


def noted(engine: Engine) -> list[tuple[str, str]]:
    """Who was shown people, and by which command."""
    columns = (audit_log.c.actor, audit_log.c.subject)
    with reading(engine) as connection:
        rows = connection.execute(
            select(*columns).where(audit_log.c.action == "api.people").order_by(audit_log.c.entry_id)
        )
        return [(row.actor, row.subject) for row in rows]


@pytest.mark.parametrize("path", ["/v1/api/source/list", "/v1/api/doctor"])
def test_how_the_installation_is_only_admins_see(ask: Callable[..., Answer], path: str) -> None:
    assert [ask(path, role=role).status for role in ("reader", "marketer", "admin")] == [403, 403, 200]


def test_other_routes_and_methods_are_none(ask: Callable[..., Answer]) -> None:
    assert [ask(path).status for path in ("/v1/api/", "/v1/api/segment/save", "/v1/api/campaign/send/x")] == [404] * 3
    assert ask("/v1/api/segment/show/..%2F..%2Fetc%2Fpasswd").status == 404
    assert ask("/v1/api/revenue/mrr", {}).status == 405
    assert ask("/v1/api/funnel").status == 405


def test_questions_are_counted_by_command_and_status(asked_gateway: Caller, ask: Callable[..., Answer]) -> None:
    ask("/v1/api/segment/fields")
    ask("/v1/api/segment/members/visitors", role="reader")
    counts = asked_gateway.counts()
    assert counts['api_requests_total{command="segment_fields",status="200"}'] >= 1
    assert counts['api_requests_total{command="segment_members",status="403"}'] >= 1
    assert not [name for name in counts if "visitors" in name]


def test_before_the_first_publish_the_answer_is_503_and_names_the_way_out(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = open_state(settings)
    add_user(engine, "ann", "admin", None, now=NOW)
    token, _ = make_token(engine, "ann", label="", life=timedelta(hours=1), now=datetime.now(UTC))
    with serving(create_app(settings)) as empty:
        answers = [
            empty.api("/v1/api/revenue/mrr", token=token),
            empty.api("/v1/api/funnel", {"steps": STEPS}, token=token),
            empty.api("/v1/api/segment/fields", token=token),
        ]
        assert [(answer.status, answer.headers["retry-after"]) for answer in answers] == [(503, "60")] * 3
        assert all("millstream run" in answer.document["error"] for answer in answers)
        assert empty.api("/v1/api/segment/list", token=token).document == {"segments": []}
        assert empty.api("/v1/api/doctor", token=token).document["snapshot"] is None
    assert capfd.readouterr() == ("", "")


def test_the_command_line_and_the_api_know_the_same_reports() -> None:
    assert {one.value for one in revenue.Report} - {"reconcile"} == set(get_args(revenue_asked.Report))
    assert {one.value for one in revenue.Grain} == set(get_args(revenue_asked.Grain))
    assert {one.value for one in revenue.Group} == set(GROUPS)
    assert {one.value for one in Explained} == set(get_args(revenue_asked.Explained))
