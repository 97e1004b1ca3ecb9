"""A rule as SQL: every value bound, every name from code or from the snapshot's own columns.

Each condition becomes a truth value that is never null, so all, any and not are plain logic.
What people did is counted once for everybody and joined (`counting`); a reference to another segment is
replaced by that segment's rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from pipelines.conditions import Bindings, where_sql
from pipelines.documents import path_text
from pipelines.errors import UsageError
from pipelines.segments.comparison import SIGNS, MeantError, compare
from pipelines.segments.counting import Counting, Span, Table, sample_sql
from pipelines.segments.document import (
    ANY_CAMPAIGN,
    CampaignRule,
    Condition,
    EmailRule,
    EventRule,
    Happened,
    PercentRule,
    RfmRule,
    SegmentDocument,
    Trait,
)
from pipelines.segments.earlier import has_history, people_then
from pipelines.segments.fields import MART, Field
from pipelines.segments.recipients import RECIPIENTS, recipient_sql
from pipelines.segments.scores import PAYMENTS, scores_sql
from pipelines.segments.times import INSTANT, Day, begin_of, end_of, is_relative, naive, resolve, span_length

Lookup: TypeAlias = Callable[[str], SegmentDocument | None]
Path: TypeAlias = tuple[int | str, ...]
MAX_CONDITIONS = 2000
EVENTS = "marts.fct_events"
LAKE = ("raw_events.lake_events", "raw_events.identity_map")
"""What `fct_events` joins: counted by visitor first, its rows need no join."""
EMAILS = "marts.fct_email_events"
FACTS = Table("proven", "facts", "event")
"""What Stripe and the mailer tell, as the CTE `facts`."""


@dataclass(frozen=True)
class Question:
    """What a rule is asked of: the people's fields, the moment, and where other segments are found.

    `tables` are those that the snapshot has; where one was never published, everybody did everything no times.
    `looks_back`: the moment lies before the snapshot's, so only what has a history may be asked. `facts` gives SQL of
    what Stripe and the mailer tell under these names. `sampled` looks at one in so many people.
    """

    fields: Mapping[str, Field]
    as_of: datetime
    timezone: str
    lookup: Lookup
    tables: frozenset[str]
    facts: Callable[[Sequence[str]], tuple[list[str], dict[str, object]]]
    looks_back: bool = False
    sampled: int | None = None


@dataclass(frozen=True)
class Compiled:
    """Rules as SQL: what people did (`ctes`), the people `p` with it, and for each document its parts.

    The parts must all hold; each has its path in the document.
    """

    ctes: tuple[str, ...]
    people: str
    documents: tuple[tuple[tuple[str, str], ...], ...]
    values: dict[str, object]

    @property
    def rules(self) -> tuple[tuple[str, str], ...]:
        """The parts of the first document."""
        return self.documents[0]

    @property
    def truths(self) -> list[str]:
        """For each document whether a person fits it."""
        return [" and ".join(sql for _, sql in rules) or "true" for rules in self.documents]

    def select(self, columns: str, *, where: str = "true") -> str:
        """SQL for columns (written in code, over `p`) of those people of whom `where` is true."""
        return f"{self._with} select {columns} from {self.people} where {where}"

    def of_truths(self, columns: str, *, where: str = "true") -> str:
        """SQL over everybody's `person_id` and truths: `t0, t1, ...` of the documents, `r0, r1, ...` of the parts."""
        rules = [f"{sql} as r{number}" for number, (_, sql) in enumerate(self.rules)]
        truths = [f"({sql}) as t{number}" for number, sql in enumerate(self.truths)]
        inner = f"select p.person_id, {', '.join([*rules, *truths])} from {self.people}"
        return f"{self._with} select {columns} from ({inner}) where {where}"

    @property
    def _with(self) -> str:
        return f"with {', '.join(self.ctes)}" if self.ctes else ""


@dataclass
class _Compiler:
    question: Question
    bindings: Bindings
    counting: Counting
    scores: dict[tuple[str | None, str | None], str] = field(default_factory=dict)
    ctes: list[str] = field(default_factory=list)
    traits: set[str] = field(default_factory=set)
    facts: set[str] = field(default_factory=set)
    open_segments: list[str] = field(default_factory=list)
    seen: int = 0

    def document(self, document: SegmentDocument) -> tuple[tuple[str, str], ...]:
        self.seen, self.open_segments = 0, [document.name]
        return tuple((path_text(path), self.condition(part, path)) for path, part in _outer_rules(document.match))

    def condition(self, condition: Condition, path: Path) -> str:
        self.seen += 1
        if self.seen > MAX_CONDITIONS:
            raise UsageError(f"the rule has more than {MAX_CONDITIONS} conditions with those it refers to.")
        if condition.all is not None:
            return self._joined(condition.all, " and ", "true", (*path, "all"))
        if condition.any is not None:
            return self._joined(condition.any, " or ", "false", (*path, "any"))
        if condition.not_ is not None:
            return f"(not {self.condition(condition.not_, (*path, 'not'))})"
        if condition.trait is not None:
            return self._trait(condition.trait, (*path, "trait"))
        if condition.event is not None:
            return self._event(condition.event, (*path, "event"))
        if condition.email is not None:
            return self._email(condition.email, (*path, "email"))
        if condition.campaign is not None:
            return self._campaign(condition.campaign)
        if condition.percent is not None:
            return self._percent(condition.percent)
        if condition.rfm is not None:
            return self._rfm(condition.rfm)
        assert condition.segment is not None
        return self._segment(condition.segment, (*path, "segment"))

    def _joined(self, parts: list[Condition], word: str, empty: str, path: Path) -> str:
        found = [self.condition(part, (*path, position)) for position, part in enumerate(parts)]
        return f"({word.join(found) or empty})"

    def _trait(self, trait: Trait, path: Path) -> str:
        asked = self.question
        known = asked.fields.get(trait.field)
        if known is None:
            raise _wrong((*path, "field"), f"there is no trait {trait.field!r}; `millstream segment fields` lists them")
        if asked.looks_back and not has_history(trait.field, asked.tables):
            raise _wrong((*path, "field"), f"{trait.field} has no history, so it can not be asked for an earlier day")
        self.traits.add(trait.field)
        try:
            return compare(trait, known, self.bindings, timezone=asked.timezone, as_of=asked.as_of)
        except MeantError as problem:
            raise _wrong((*path, problem.key), str(problem)) from None

    def _event(self, rule: EventRule, path: Path) -> str:
        # Late: who only reads segments pays for no engine.
        from pipelines.behaviour import check_name, is_fact

        try:
            check_name(rule.name)
        except ValueError as problem:
            raise _wrong((*path, "name"), str(problem)) from None
        table = self._facts(rule.name) if is_fact(rule.name) else self._events
        test = where_sql(rule.where, self.bindings)
        return self._happened(table, [rule.name], rule, path, test=test, key=repr(rule.where))

    def _facts(self, name: str) -> Table | None:
        mart = "marts.fct_stripe_facts" if name.startswith("stripe:") else EMAILS
        if mart not in self.question.tables:
            return None
        self.facts.add(name)
        return FACTS

    @property
    def _events(self) -> Table | None:
        if EVENTS not in self.question.tables:
            return None
        if self.question.tables.issuperset(LAKE):
            lake, people = LAKE
            return Table("did", lake, "event", key="visitor_key", people=people)
        return Table("did", EVENTS, "event")

    def _email(self, rule: EmailRule, path: Path) -> str:
        table = Table("told", EMAILS, "outcome") if EMAILS in self.question.tables else None
        # A mail program that fetches images tells nothing of its owner.
        test = "not coalesce(is_machine_open, false)"
        if rule.campaign != ANY_CAMPAIGN:
            test += f" and campaign = {self.bindings.add(rule.campaign)}"
        return self._happened(table, [rule.outcome], rule, path, test=test, key=rule.campaign)

    def _happened(
        self, table: Table | None, names: Sequence[str], rule: Happened, path: Path, *, test: str, key: object
    ) -> str:
        span = self._span(rule, path)
        if rule.which is None:
            times = "0" if table is None else self.counting.column(table, "count", names, span, key=key, test=test)
            return f"({times} {SIGNS[rule.count.op]} {self.bindings.add(rule.count.value)})"
        if table is None:
            return "false"
        ever = Span(None, naive(self.question.as_of) + INSTANT)
        moment = self.counting.column(table, rule.which, names, ever, key=key, test=test)
        inside = [f"{moment} < {self.bindings.add(span.end)}"]
        if span.begin is not None:
            inside.append(f"{moment} >= {self.bindings.add(span.begin)}")
        return f"coalesce({' and '.join(inside)}, false)"

    def _span(self, rule: Happened, path: Path) -> Span:
        """The time that a rule looks at; never beyond the moment of asking."""
        now = naive(self.question.as_of) + INSTANT
        begin, end = None, now
        if rule.within is not None:
            begin = now - span_length(rule.within)
        elif (given := rule.from_ or rule.after) is not None:
            begin = begin_of(self._time(given), after=rule.from_ is None)
        if (given := rule.to or rule.before) is not None:
            end = end_of(self._time(given), before=rule.to is None)
            begins_in_relation = rule.within is not None or is_relative(rule.from_ or rule.after)
            if begin is not None and begin >= end and begins_in_relation == is_relative(given):
                raise _wrong((*path, "to" if rule.to else "before"), "the time ends before it begins")
        return Span(begin, min(end, now))

    def _time(self, given: str) -> Day | datetime:
        return resolve(given, self.question.timezone, self.question.as_of)

    def _campaign(self, rule: CampaignRule) -> str:
        if RECIPIENTS not in self.question.tables:
            return "false"
        return recipient_sql(
            rule,
            self.counting,
            naive(self.question.as_of),
            emails=EMAILS if EMAILS in self.question.tables else None,
            looks_back=self.question.looks_back,
        )

    def _percent(self, rule: PercentRule) -> str:
        low, high = map(self.bindings.add, rule.millionths)
        # SHA-256 gives the same in every version of every engine.
        place = f"('0x' || substr(sha256({self.bindings.add(rule.salt)} || '|' || p.person_id), 1, 15))::bigint"
        return f"({place} % 1000000 >= {low} and {place} % 1000000 < {high})"

    def _rfm(self, rule: RfmRule) -> str:
        asked = self.question
        now = naive(asked.as_of) + INSTANT
        same = (rule.currency.upper() if rule.currency else None, rule.within)
        if same not in self.scores:
            name = self.scores[same] = f"scored{len(self.scores)}"
            span = Span(now - span_length(rule.within) if rule.within else None, now)
            is_there = PAYMENTS in asked.tables
            sql = scores_sql(rule, span, self.bindings, is_there=is_there, sampled=asked.sampled)
            self.ctes.append(f"{name} as ({sql})")
        parts = []
        for measure, score in rule.scores.items():
            column = f"{self.scores[same]}.{measure}"
            if isinstance(score.value, list):
                held = f"coalesce(list_contains({self.bindings.add(score.value)}, {column}), false)"
                parts.append(held if score.op == "in" else f"(not {held})")
            else:
                missing = "true" if score.op == "ne" else "false"
                parts.append(f"coalesce({column} {SIGNS[score.op]} {self.bindings.add(score.value)}, {missing})")
        return f"({' and '.join(parts)})"

    def _segment(self, name: str, path: Path) -> str:
        if name in self.open_segments:
            circle = " -> ".join([*self.open_segments[self.open_segments.index(name) :], name])
            raise _wrong(path, f"a segment can not refer to itself ({circle})")
        other = self.question.lookup(name)
        if other is None:
            raise _wrong(path, f"there is no segment {name!r}")
        self.open_segments.append(name)
        try:
            return self.condition(other.match, (*path, name, "match"))
        finally:
            self.open_segments.pop()

    def finish(self, documents: Sequence[tuple[tuple[str, str], ...]]) -> Compiled:
        """Everything put together: the people as they were known at the moment of asking, with what they did."""
        asked = self.question
        ctes: list[str] = []
        people = MART
        if asked.looks_back:
            ctes, people = people_then(naive(asked.as_of), self.traits, asked.fields, self.bindings)
        if self.facts:
            parts, values = asked.facts(sorted(self.facts))
            self.bindings.values.update(values)
            ctes.append(f"facts as ({' union all '.join(parts)})")
        if asked.sampled is not None:
            people = f"(select * from {people} where {sample_sql('person_id', asked.sampled)})"
        joins = "".join(f" left join {name} on p.person_id = {name}.person_id" for name in self.scores.values())
        return Compiled(
            (*ctes, *self.counting.ctes(), *self.ctes),
            f"{people} as p{self.counting.joins()}{joins}",
            tuple(documents),
            self.bindings.values,
        )


def compile_rules(documents: Sequence[SegmentDocument], question: Question) -> Compiled:
    """Compile segments, so that each table is read once for all of them.

    Raises:
        UsageError: one can not be meant of this snapshot; the message starts with the path.
    """
    bindings = Bindings()
    compiler = _Compiler(question, bindings, Counting(bindings, question.sampled))
    return compiler.finish([compiler.document(document) for document in documents])


def _outer_rules(match: Condition) -> list[tuple[Path, Condition]]:
    if match.all is None:
        return [(("match",), match)]
    return [(("match", "all", position), part) for position, part in enumerate(match.all)]


def _wrong(path: Path, problem: str) -> UsageError:
    return UsageError(f"{path_text(path)}: {problem}.")
