"""The one table of what can be asked over HTTP.

A command of the command line is a path of the same words: `millstream segment preview NAME --as-of D` is
`GET /v1/api/segment/preview/NAME?as_of=D`. What is a document there is the body here, and so is whatever names a
person: paths end up in logs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from pipelines.accounts.roles import Permission
from pipelines.gateway.api import parameters as p

BASE = "/v1/api"


@dataclass(frozen=True)
class Command:
    """One thing to ask. `tells` are the keys that every answer has."""

    words: str
    method: Literal["GET", "POST"]
    summary: str
    tells: tuple[str, ...]
    parameters: type[p.Parameters] = p.Nothing
    document: Callable[[], type[BaseModel]] | None = None
    """The document that is the body; asked for late, since rooms are heavy."""
    needs: Permission = "figures"
    answer: str = ""
    """The name of its answer among the `answers`, where two commands have the same words."""

    @property
    def path(self) -> str:
        """Where it is asked."""
        return "/".join((BASE, *self.words.split(), *(f"{{{name}}}" for name in self.parameters.in_path)))

    @property
    def name(self) -> str:
        """What it is called between the gateway and its children, and as an operation of the OpenAPI document."""
        return self.answer or self.words.replace(" ", "_")

    @property
    def has_body(self) -> bool:
        """Whether the parameters that are not in the path are in the body."""
        return self.method == "POST" and self.document is None


def _funnel() -> type[BaseModel]:
    from pipelines.behaviour import FunnelQuery

    return FunnelQuery


def _retention() -> type[BaseModel]:
    from pipelines.behaviour import RetentionQuery

    return RetentionQuery


def _trends() -> type[BaseModel]:
    from pipelines.behaviour import EventTrendsQuery

    return EventTrendsQuery


def _paths() -> type[BaseModel]:
    from pipelines.behaviour import PathsQuery

    return PathsQuery


def _segment() -> type[BaseModel]:
    from pipelines.segments import SegmentDocument

    return SegmentDocument


_REPORT = ("report", "profile", "currency", "timezone", "snapshot", "as_of", "unconverted", "rows")
_PREVIEW = ("size", "loss_by_rule", "as_of", "snapshot", "people", "mailable", "not_mailable")
_STATE = ("name", "state", "reason", "content_hash", "approved_by", "approved_at", "document")

COMMANDS = (
    Command(
        "funnel", "POST", "How far people come along a row of steps; also its trend and its times to convert.",
        ("kind", "query"), p.Users, _funnel,
    ),
    Command(
        "retention", "POST", "Who comes back, period after period.",
        ("kind", "query", "matrix", "cohort_starts", "is_over", "average"), document=_retention,
    ),
    Command(
        "trends", "POST", "How often something happened, period by period.",
        ("kind", "query", "periods", "is_complete", "series"), document=_trends,
    ),
    Command(
        "paths", "POST", "What people did right after an event, or right before it.",
        ("kind", "query", "links", "sessions", "none", "other"), document=_paths,
    ),
    Command(
        "revenue", "GET", "MRR and what follows from it, trials, failures, cash; what moved since a snapshot.",
        _REPORT, p.Revenue,
    ),
    Command(
        "explain", "POST", "The rows, objects, events, rule and SQL behind one number.",
        ("report", "rows", "sql", "checks", "total_minor"), p.Explain,
    ),
    Command("segment list", "GET", "Saved segments.", ("segments",)),
    Command("segment show", "GET", "The document of one segment.", ("name", "match"), p.SegmentShow),
    Command("segment fields", "GET", "What a rule may ask about a person.", ("fields",)),
    Command("segment preview", "GET", "How many fit a saved segment, and how many of them may be mailed.", _PREVIEW,
            p.Preview),
    Command("segment preview", "POST", "How many would fit a segment that is not saved.", _PREVIEW, p.PreviewOf,
            _segment, answer="segment_preview_of"),
    Command("segment members", "GET", "Everybody in a segment, by person id.",
            ("segment", "size", "members", "as_of", "snapshot"), p.Members),
    Command("segment overlap", "GET", "How many people segments share.",
            ("segments", "in_all", "in_any", "pairs", "as_of", "snapshot"), p.Overlap),
    Command("campaign list", "GET", "Saved campaigns with their states.", ("campaigns",)),
    Command("campaign show", "GET", "One campaign: document, body, state, approval.", _STATE, p.Named),
    Command("campaign report", "GET", "What became of everybody, and whether it adds up.",
            ("campaign", "state", "states", "certificate"), p.CampaignReport),
    Command("customer list", "POST", "People by name, address or id; addresses come out masked.",
            ("total", "page", "snapshot", "as_of", "rows"), p.People),
    Command("customer show", "POST", "One person: traits, segments, and their story, the newest first.",
            ("person", "may_be_mailed", "refusal", "segments", "timeline", "snapshot", "as_of"), p.Person),
    Command("source list", "GET", "Who may send events, with the endings of their write keys.", ("sources",),
            needs="installation"),
    Command("doctor", "GET", "What is wrong with settings, disk or data, or stuck; Stripe is not asked.",
            ("problems", "disk", "builds", "checks", "sources", "snapshot"), needs="installation"),
)  # fmt: skip
BY_NAME = {command.name: command for command in COMMANDS}
