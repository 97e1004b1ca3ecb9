"""A rule as SQL: every value bound, every name from code or from the snapshot's own columns.

Each condition becomes a truth value that is never null, so all, any and not are plain logic.
Events of one kind are counted once for everybody and joined; a reference to another segment is
replaced by that segment's rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from pipelines.documents import path_text
from pipelines.errors import UsageError
from pipelines.segments.comparison import Comparison, MeantError, compare
from pipelines.segments.document import ANY_CAMPAIGN, Condition, EmailRule, EventRule, SegmentDocument, Trait
from pipelines.segments.fields import MART, Field

Lookup: TypeAlias = Callable[[str], SegmentDocument | None]
Path: TypeAlias = tuple[int | str, ...]
MAX_CONDITIONS = 2000
_SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TELLS_ITS_HISTORY = ("customer_since", "first_seen_at")
_NOTHING = "(select '' as person_id where false)"


@dataclass(frozen=True)
class Question:
    """What a rule is asked of: the people's fields, the moment, and where other segments are found.

    `looks_back`: the moment lies before the snapshot's, so only what has a history may be asked.
    `has_events`, `has_emails`: False where none was ever published; then everybody did everything no times.
    """

    fields: Mapping[str, Field]
    as_of: datetime
    timezone: str
    lookup: Lookup
    looks_back: bool = False
    has_events: bool = True
    has_emails: bool = True


@dataclass(frozen=True)
class Compiled:
    """A rule as SQL: counted events (`ctes`), the people `p` with their counts, and the rules.

    `rules` are the parts that must all hold, each with its path in the document.
    """

    ctes: Comparison
    people: Comparison
    rules: list[tuple[str, Comparison]]

    def members(self, columns: str) -> tuple[str, list[object]]:
        """SQL for the members' columns (written in code, over `p`), and its values."""
        held = " and ".join(rule.sql for _, rule in self.rules) or "true"
        values = [value for _, rule in self.rules for value in rule.values]
        sql = f"{self.ctes.sql} select {columns} from {self.people.sql} where {held}"
        return sql, [*self.ctes.values, *self.people.values, *values]

    def losses(self) -> tuple[str, list[object]]:
        """SQL for one row: all people, then those left after the first rule, the first two, and so on."""
        truths = ", ".join(f"{rule.sql} as r{n}" for n, (_, rule) in enumerate(self.rules)) or "true as r0"
        steps = [" and ".join(f"r{n}" for n in range(count + 1)) for count in range(len(self.rules))]
        left = "".join(f", count(*) filter (where {step})" for step in steps)
        values = [value for _, rule in self.rules for value in rule.values]
        sql = f"{self.ctes.sql} select count(*){left} from (select {truths} from {self.people.sql})"
        return sql, [*self.ctes.values, *values, *self.people.values]


@dataclass
class _Compiler:
    question: Question
    counts: list[Comparison] = field(default_factory=list)
    open_segments: list[str] = field(default_factory=list)
    seen: int = 0

    def condition(self, condition: Condition, path: Path) -> Comparison:
        self.seen += 1
        if self.seen > MAX_CONDITIONS:
            raise UsageError(f"the rule has more than {MAX_CONDITIONS} conditions with those it refers to.")
        if condition.all is not None:
            return self._joined(condition.all, " and ", "true", (*path, "all"))
        if condition.any is not None:
            return self._joined(condition.any, " or ", "false", (*path, "any"))
        if condition.not_ is not None:
            inner = self.condition(condition.not_, (*path, "not"))
            return Comparison(f"(not {inner.sql})", inner.values)
        if condition.trait is not None:
            return self._trait(condition.trait, (*path, "trait"))
        if condition.event is not None:
            return self._event(condition.event)
        if condition.email is not None:
            return self._email(condition.email)
        assert condition.segment is not None
        return self._segment(condition.segment, (*path, "segment"))

    def _joined(self, parts: list[Condition], word: str, empty: str, path: Path) -> Comparison:
        found = [self.condition(part, (*path, position)) for position, part in enumerate(parts)]
        sql = word.join(part.sql for part in found) or empty
        return Comparison(f"({sql})", tuple(value for part in found for value in part.values))

    def _trait(self, trait: Trait, path: Path) -> Comparison:
        known = self.question.fields.get(trait.field)
        if known is None:
            raise _wrong((*path, "field"), f"there is no trait {trait.field!r}; `millstream segment fields` lists them")
        if self.question.looks_back and trait.field not in _TELLS_ITS_HISTORY:
            raise _wrong((*path, "field"), f"{trait.field} has no history, so it can not be asked for an earlier day")
        try:
            return compare(trait, known, self.question.timezone)
        except MeantError as problem:
            raise _wrong((*path, problem.key), str(problem)) from None

    def _event(self, rule: EventRule) -> Comparison:
        source = "marts.fct_events" if self.question.has_events else None
        return self._counted(source, Comparison("event = ?", (rule.name,)), rule)

    def _email(self, rule: EmailRule) -> Comparison:
        # A mail program that fetches images tells nothing of its owner.
        told = Comparison("outcome = ? and not coalesce(is_machine_open, false)", (rule.outcome,))
        if rule.campaign != ANY_CAMPAIGN:
            told = Comparison(f"{told.sql} and campaign = ?", (*told.values, rule.campaign))
        return self._counted("marts.fct_email_events" if self.question.has_emails else None, told, rule)

    def _counted(self, source: str | None, wanted: Comparison, rule: EventRule | EmailRule) -> Comparison:
        """How often a person did something, counted once for everybody and compared."""
        name = f"e{len(self.counts)}"
        until = _naive(self.question.as_of)
        if source is None:
            counted = Comparison(f"select person_id, 0 as times from {_NOTHING}", ())
        else:
            sql = f"select person_id, count(*) as times from {source} where {wanted.sql} and event_at <= ?"
            values: tuple[object, ...] = (*wanted.values, until)
            if rule.span is not None:
                sql += " and event_at > ?"
                values += (until - rule.span,)
            counted = Comparison(f"{sql} group by person_id", values)
        self.counts.append(Comparison(f"{name} as ({counted.sql})", counted.values))
        return Comparison(f"(coalesce({name}.times, 0) {_SIGNS[rule.count.op]} ?)", (rule.count.value,))

    def _segment(self, name: str, path: Path) -> Comparison:
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


def compile_rule(document: SegmentDocument, question: Question) -> Compiled:
    """Compile one segment.

    Raises:
        UsageError: it can not be meant of this snapshot; the message starts with the path.
    """
    compiler = _Compiler(question, open_segments=[document.name])
    rules = [(path_text(path), compiler.condition(part, path)) for path, part in _outer_rules(document.match)]
    ctes = f"with {', '.join(count.sql for count in compiler.counts)}" if compiler.counts else ""
    values = tuple(value for count in compiler.counts for value in count.values)
    return Compiled(Comparison(ctes, values), _people(question, len(compiler.counts)), rules)


def _outer_rules(match: Condition) -> list[tuple[Path, Condition]]:
    if match.all is None:
        return [(("match",), match)]
    return [(("match", "all", position), part) for position, part in enumerate(match.all)]


def _people(question: Question, counts: int) -> Comparison:
    """The people as they were known at the moment of asking, joined with their event counts."""
    joins = "".join(f" left join e{n} on p.person_id = e{n}.person_id" for n in range(counts))
    if not question.looks_back:
        return Comparison(f"{MART} as p{joins}", ())
    known = [name for name in _TELLS_ITS_HISTORY if name in question.fields]
    then = ", ".join(f"case when {name} <= ? then {name} end as {name}" for name in known)
    replaced = f"* replace ({then})" if known else "*"
    there = "where coalesce(first_seen_at <= ?, true)" if "first_seen_at" in known else ""
    values = (_naive(question.as_of),) * (len(known) + bool(there))
    return Comparison(f"(select {replaced} from {MART} {there}) as p{joins}", values)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _wrong(path: Path, problem: str) -> UsageError:
    return UsageError(f"{path_text(path)}: {problem}.")
