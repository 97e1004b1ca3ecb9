"""The answer to each command, by the same functions as the command line's. Runs in a child of the gateway."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipelines.errors import MillstreamError
from pipelines.gateway.api import parameters as p
from pipelines.settings import Settings
from pipelines.warehouse import Snapshot, SnapshotReader

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from pipelines.behaviour import Asked
    from pipelines.behaviour.query import Breakdown
    from pipelines.behaviour.trend_query import TrendBreakdown

Answer = dict[str, Any]


class PeopleError(MillstreamError):
    """The answer would name people, and whoever asks may not see them."""


class Desk:
    """What a child has at hand: the settings, the snapshots it has open, the state store; and for whom it answers."""

    sees_people = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # Half of the machine for all children together: the gateway and a run want to live, too.
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        self._reader = SnapshotReader(settings.published_dir, memory_bytes=memory // 2 // settings.api_workers)

    @property
    def snapshot(self) -> Snapshot:
        """The newest one."""
        return self._reader.newest()

    @property
    def snapshot_if_any(self) -> Snapshot | None:
        """The newest one, or None before the first publish."""
        return self._reader.current()

    @cached_property
    def engine(self) -> Engine:
        """The state store."""
        from pipelines.state import open_state

        return open_state(self.settings)


def funnel(desk: Desk, given: p.Users, body: str) -> Answer:
    """`millstream funnel --query FILE`."""
    from pipelines.behaviour import (
        check_users,
        funnel_document,
        funnel_of_kind,
        parse_funnel,
        published_events,
        read_query,
    )

    question = parse_funnel(read_query(body), timezone=desk.settings.reporting_timezone)
    check_users(question, given.users)
    _check_breakdown(desk, question.breakdown, [step.event for step in question.steps])
    with published_events(desk.snapshot_if_any) as asked:
        return funnel_document(asked, funnel_of_kind(asked, question, users=given.users))


def retention(desk: Desk, _: p.Nothing, body: str) -> Answer:
    """`millstream retention --query FILE`."""
    from pipelines.behaviour import parse_retention, read_query
    from pipelines.behaviour import retention as answer

    question = parse_retention(read_query(body), timezone=desk.settings.reporting_timezone)
    return _of_events(
        desk, lambda asked: answer(asked.connection, asked.relation, question).document(asked.known_until())
    )


def trends(desk: Desk, _: p.Nothing, body: str) -> Answer:
    """`millstream trends --query FILE`."""
    from pipelines.behaviour import event_trends, parse_trends, read_query

    question = parse_trends(read_query(body), timezone=desk.settings.reporting_timezone)
    _check_breakdown(desk, question.breakdown, [series.event for series in question.series])
    return _of_events(
        desk, lambda asked: event_trends(asked.connection, asked.relation, question).document(asked.known_until())
    )


def paths(desk: Desk, _: p.Nothing, body: str) -> Answer:
    """`millstream paths --query FILE`."""
    from pipelines.behaviour import parse_paths, read_query
    from pipelines.behaviour import paths as answer

    question = parse_paths(read_query(body), timezone=desk.settings.reporting_timezone)
    return _of_events(desk, lambda asked: answer(asked.connection, asked.relation, question).document())


def revenue(desk: Desk, given: p.Revenue, _: str) -> Answer:
    """`millstream revenue REPORT`."""
    from pipelines.revenue import asked_report, check_against, check_group

    check_group(given.report, given.group)
    check_against(given.report, given.against)
    return asked_report(
        desk.snapshot,
        desk.settings,
        given.report,
        date_from=given.date_from,
        date_to=given.date_to,
        by=given.by,
        currency=given.currency,
        group=given.group,
        basis=given.basis,
        account=given.account,
        profile=given.profile,
        against=given.against,
        rates_of=given.rates_of,
        reported_on=given.reported_on,
    )


def explain(desk: Desk, given: p.Explain, _: str) -> Answer:
    """`millstream explain REPORT`."""
    from pipelines.revenue import asked_explanation

    return asked_explanation(
        desk.snapshot,
        desk.settings,
        given.report,
        at=given.at,
        customer=given.customer,
        currency=given.currency,
        account=given.account,
        profile=given.profile,
    )


def segment_list(desk: Desk, _: p.Nothing, __: str) -> Answer:
    """`millstream segment list`."""
    from pipelines.segments import listing

    return {"segments": listing(desk.engine)}


def segment_show(desk: Desk, given: p.Named, _: str) -> Answer:
    """`millstream segment show NAME`."""
    from pipelines.segments import load

    return load(desk.engine, given.name).plain()


def segment_fields(desk: Desk, _: p.Nothing, __: str) -> Answer:
    """`millstream segment fields`."""
    from pipelines.segments import told_fields

    return told_fields(desk.snapshot)


def segment_preview(desk: Desk, given: p.Preview, _: str) -> Answer:
    """`millstream segment preview NAME`."""
    from pipelines.segments import load, told_preview

    document = load(desk.engine, given.name)
    return _preview(told_preview(desk.engine, desk.snapshot, desk.settings, document, given.as_of), given)


def segment_preview_of(desk: Desk, given: p.PreviewOf, body: str) -> Answer:
    """`millstream segment preview FILE`."""
    from pipelines.segments import parse_segment, told_preview

    document = parse_segment(body)
    return _preview(told_preview(desk.engine, desk.snapshot, desk.settings, document, given.as_of), given)


def segment_members(desk: Desk, given: p.Members, _: str) -> Answer:
    """`millstream segment members NAME`."""
    from pipelines.segments import load, told_members

    document = load(desk.engine, given.name)
    return told_members(desk.engine, desk.snapshot, desk.settings, document, given.as_of, with_history=given.history)


def segment_overlap(desk: Desk, given: p.Overlap, _: str) -> Answer:
    """`millstream segment overlap NAME NAME`."""
    from pipelines.segments import load, told_overlap

    documents = [load(desk.engine, name) for name in given.name]
    return told_overlap(desk.engine, desk.snapshot, desk.settings, documents, given.as_of)


def campaign_list(desk: Desk, _: p.Nothing, __: str) -> Answer:
    """`millstream campaign list`."""
    from pipelines.campaigns import listing

    return {"campaigns": listing(desk.engine)}


def campaign_show(desk: Desk, given: p.Named, _: str) -> Answer:
    """`millstream campaign show NAME`."""
    from pipelines.campaigns import show

    return show(desk.engine, given.name)


def campaign_report(desk: Desk, given: p.CampaignReport, _: str) -> Answer:
    """`millstream campaign report NAME`."""
    from pipelines.experiments import told_report

    return told_report(desk.engine, desk.settings, given.name, desk.snapshot_if_any, people=given.recipients)


def customer_list(desk: Desk, given: p.People, _: str) -> Answer:
    """`millstream customer list TEXT`."""
    from pipelines.people import told_people

    return told_people(desk.snapshot, given.text, sort=given.sort, page=given.page, size=given.limit)


def customer_show(desk: Desk, given: p.Person, _: str) -> Answer:
    """`millstream customer show PERSON`."""
    from pipelines.people import person_and_story, told_person

    snapshot = desk.snapshot
    found, story = person_and_story(
        snapshot,
        desk.engine,
        given.person,
        desk.settings.consent,
        kinds=given.kind,
        page=given.page,
        size=given.limit,
    )
    return told_person(snapshot, found, story, page=given.page)


def source_list(desk: Desk, _: p.Nothing, __: str) -> Answer:
    """`millstream source list`."""
    from datetime import UTC, datetime

    from pipelines.events.sources import list_sources

    now = datetime.now(UTC)
    return {"sources": [source.document(now) for source in list_sources(desk.engine)]}


def doctor(desk: Desk, _: p.Nothing, __: str) -> Answer:
    """`millstream doctor --offline`."""
    from pipelines.operations.doctor import examine

    return examine(desk.settings, is_offline=True)


def openapi(desk: Desk, _: p.Nothing, __: str) -> Answer:
    """The OpenAPI document."""
    from pipelines.gateway.api.openapi import openapi_document

    return openapi_document(desk.settings.public_url)


ANSWERS: dict[str, Callable[[Desk, Any, str], Answer]] = {
    answer.__name__: answer
    for answer in (
        funnel, retention, trends, paths, revenue, explain, segment_list, segment_show, segment_fields,
        segment_preview, segment_preview_of, segment_members, segment_overlap, campaign_list, campaign_show,
        campaign_report, customer_list, customer_show, source_list, doctor, openapi,
    )
}  # fmt: skip


_OF_ONE_CUSTOMER = {"customer_id", "subscription_id", "invoice_id"}
_TELL_OF_PEOPLE = {"identify", "alias", "group", None}


def _of_events(desk: Desk, ask: Callable[[Asked], Answer]) -> Answer:
    from pipelines.behaviour import published_events

    with published_events(desk.snapshot_if_any) as asked:
        return ask(asked)


def _check_breakdown(desk: Desk, breakdown: Breakdown | TrendBreakdown | None, events: list[str | None]) -> None:
    """Refuse to list traits of people (an address, a name) or customers to who may not see people.

    What an `identify` call told of a person are its properties, an `alias` holds ids; and any event may be one of them.
    """
    if breakdown is None or desk.sees_people:
        return
    if breakdown.scope == "user" or breakdown.property in _OF_ONE_CUSTOMER or _TELL_OF_PEOPLE & set(events):
        raise PeopleError("breakdown: splits by a trait of people, and your role may not see them")


def _preview(answer: Answer, given: p.Users) -> Answer:
    """The preview; unless people were asked for, without its sample and the rule's words, which may name some."""
    if given.users:
        return answer
    counted = {name: value for name, value in answer.items() if name not in ("sample", "sentence")}
    rules = [{name: value for name, value in rule.items() if name != "words"} for rule in answer["loss_by_rule"]]
    return counted | {"loss_by_rule": rules}
