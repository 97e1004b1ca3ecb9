"""Turn a campaign's templates into mails: sandboxed Jinja, HTML escaped, nothing left undefined.

A trait that a person lacks is undefined, so `{{ first_name | default('Hello') }}` works; without a
default that person gets no mail. Errors name the variable and the place, never a person's data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from pipelines.campaigns.document import CampaignDocument, Content
from pipelines.campaigns.plain_text import plain_text
from pipelines.errors import UsageError
from pipelines.mail import one_line
from pipelines.segments import known_traits

OURS = ("unsubscribe_url", "postal_address", "campaign")
"""What every mail is given beside the traits of its reader."""
EVENTS = "recent_events"
"""The newest events of the reader, each with `name`, `time` and `properties`; asked for only where it is used."""
CODE = "discount_code"
# What these make is markup or passes for it, and a reader's name would come along.
_REFUSED_FILTERS = ("safe", "tojson", "urlize", "xmlattr")
_NOTHING: Mapping[str, object] = MappingProxyType({})
_HIDDEN = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all"
_PREHEADER = "preheader_"
# Attributes may hold a `>` inside their quotes.
_BEFORE_BODY = re.compile(
    r"""<body\b(?:[^>"']|"[^"]*"|'[^']*')*>|</head\s*>|<html\b[^>]*>|<!doctype[^>]*>""", re.IGNORECASE
)


class RenderError(UsageError):
    """A mail can not be made of this template and this person."""


class Rendered(NamedTuple):
    """The three parts of one mail."""

    subject: str
    html: str
    text: str


class _Mail(NamedTuple):
    """The compiled templates of one mail."""

    subject: Template
    preheader: Template | None
    html: Template
    text: Template | None


class Templates:
    """The compiled templates of one campaign: a mail for each variant or step."""

    def __init__(self, content: Content) -> None:
        self._name = content.document.name
        self._sources = sources(content)
        self._mails: dict[str, _Mail] = {}
        compiled: dict[tuple[str, str], Template] = {}

        def template(part: str, source: str) -> Template:
            # Variants share what they do not say in their own way.
            if (part, source) not in compiled:
                compiled[part, source] = _template(part, source)
            return compiled[part, source]

        for name, wording in content.document.mails().items():
            body = content.body_of(name)
            self._mails[name] = _Mail(
                template("subject", wording.subject),
                template("preheader", wording.preheader) if wording.preheader else None,
                template("html", body.html),
                template("text", body.text) if body.text else None,
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The variants or steps that have a mail; one without a name where there are none."""
        return tuple(self._mails)

    def variables(self) -> dict[str, set[str]]:
        """The variables that each place uses."""
        parse = _environment(escaped=False).parse
        return {place: meta.find_undeclared_variables(parse(text)) for place, text in self._sources.items()}

    def used(self) -> set[str]:
        """The variables that any of the mails uses."""
        return set().union(*self.variables().values())

    def traits(self) -> list[str]:
        """The traits of a person that the mails need: only these are kept in the ledger."""
        used = self.used()
        return [name for name in known_traits() if name in used]

    def render(
        self,
        traits: Mapping[str, object],
        *,
        variant: str,
        step: str = "",
        unsubscribe_url: str,
        postal_address: str,
        extra: Mapping[str, object] = _NOTHING,
    ) -> Rendered:
        """One mail: that of the step, else that of the variant. `extra` is what is no trait: a code, say.

        Raises:
            RenderError: there is no such mail, a trait is missing and has no default, or a filter failed.
        """
        name = step or variant
        mail = self._mails.get(name)
        if mail is None:
            raise RenderError(f"the campaign has no mail {name!r}")
        known = {name: value for name, value in {**traits, **extra}.items() if value is not None and value != ""}
        given: dict[str, object] = {
            **known,
            "unsubscribe_url": unsubscribe_url,
            "postal_address": postal_address,
            "campaign": self._name,
        }
        subject = one_line(_rendered(mail.subject, given, "subject"))
        hidden = Markup("")
        if mail.preheader is not None and (words := one_line(_rendered(mail.preheader, given, "preheader"))):
            hidden = Markup('<div style="{}">{}</div>').format(_HIDDEN, words)
        html = _rendered(mail.html, {**given, _PREHEADER: hidden}, "html")
        if mail.text is not None:
            text = _rendered(mail.text, given, "text")
        else:
            text = plain_text(html.replace(hidden, "", 1) if hidden else html)
        return Rendered(subject, html, text)


def carries_link(rendered: Rendered, unsubscribe_url: str) -> bool:
    """Whether both parts of this very mail hold the link; a condition may have left it out."""
    return str(escape(unsubscribe_url)) in rendered.html and unsubscribe_url in rendered.text


def _with_room(html: str) -> str:
    """The HTML with a place for the preheader before its first word."""
    end = 0
    for found in _BEFORE_BODY.finditer(html):
        end = found.end()
        if found[0][:5].lower() == "<body":
            break
    return f"{html[:end]}{{{{ {_PREHEADER} }}}}{html[end:]}"


def place_of(content: Content, part: str, name: str) -> str:
    """Where this part of a variant's or step's mail stands: `subject B`, or `subject` where it is the campaign's."""
    if part in ("html", "text"):
        is_own = name in content.bodies
    else:
        variant = next((one for one in content.document.variants if one.name == name), None)
        is_own = variant is None or getattr(variant, part) is not None
    return f"{part} {name}".strip() if is_own else part


def sources(content: Content) -> dict[str, str]:
    """Every template of the campaign by its place."""
    found: dict[str, str] = {}
    for name, wording in content.document.mails().items():
        body = content.body_of(name)
        parts = {"subject": wording.subject, "html": body.html, "preheader": wording.preheader, "text": body.text}
        found |= {
            place_of(content, part, name): source
            for part, source in parts.items()
            if source or part in ("subject", "html")
        }
    return found


def known_variables(document: CampaignDocument) -> set[str]:
    """What the templates of this campaign may name."""
    offered = {CODE} if document.discount is not None else set()
    return {*known_traits(), *OURS, EVENTS, *offered}


def parse_problem(place: str, source: str) -> str | None:
    """Why this is no template; None where it is one."""
    part = place.partition(" ")[0]
    environment = _environment(escaped=part == "html")
    try:
        parsed = environment.parse(source)
        environment.from_string(source)
    except TemplateError as problem:
        return str(problem.message)
    if next(parsed.find_all(nodes.EvalContextModifier), None) is not None:
        return "{% autoescape %} is not taken: a reader's name could become markup"
    return None


def _environment(*, escaped: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=escaped)
    for name in _REFUSED_FILTERS:
        environment.filters.pop(name)
    return environment


def _template(part: str, source: str) -> Template:
    environment = _environment(escaped=part == "html")
    if (problem := parse_problem(part, source)) is not None:
        raise UsageError(f"{part}: {problem}.")
    template = environment.from_string(_with_room(source) if part == "html" else source)
    # Each mail copies them, and Jinja's chain of dictionaries is slow to copy.
    template.globals = dict(template.globals)
    return template


def _rendered(template: Template, given: Mapping[str, object], place: str) -> str:
    try:
        return template.render(given)
    except UndefinedError as problem:
        raise RenderError(f"{place}: {problem.message}") from None
    except Exception as problem:
        raise RenderError(f"{place}: the template fails with {type(problem).__name__}") from None
