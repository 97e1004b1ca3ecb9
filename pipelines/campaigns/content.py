"""Turn a campaign's templates into mails: sandboxed Jinja, HTML escaped, nothing left undefined.

A trait that a person lacks is undefined, so `{{ first_name | default('Hello') }}` works; without a
default that person gets no mail. Errors name the variable and the place, never a person's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import escape

from pipelines.campaigns.document import Content
from pipelines.campaigns.plain_text import plain_text
from pipelines.errors import UsageError
from pipelines.mail import one_line
from pipelines.segments import known_traits

OURS = ("unsubscribe_url", "postal_address", "campaign")
_NOT = "Nothing was approved."
_TRIAL = {"unsubscribe_url": "https://unsubscribe.invalid/u/trial", "postal_address": "Trial Street 1"}


class RenderError(UsageError):
    """A mail can not be made of this template and this person."""


class Rendered(NamedTuple):
    """The three parts of one mail."""

    subject: str
    html: str
    text: str


class Templates:
    """The compiled templates of one campaign."""

    def __init__(self, content: Content) -> None:
        plain, escaping = _environment(escaped=False), _environment(escaped=True)
        self._sources = {f"subject {name}".strip(): text for name, text in content.document.subjects().items()}
        self._subjects = {
            name: _compiled(plain, text, f"subject {name}".strip())
            for name, text in content.document.subjects().items()
        }
        self._html = _compiled(escaping, content.html, "html")
        self._text = _compiled(plain, content.text, "text") if content.text else None
        self._sources |= {"html": content.html} | ({"text": content.text} if content.text else {})
        self._name = content.document.name

    def variables(self) -> dict[str, set[str]]:
        """The variables that each place uses."""
        parse = _environment(escaped=False).parse
        return {place: meta.find_undeclared_variables(parse(text)) for place, text in self._sources.items()}

    def traits(self) -> list[str]:
        """The traits of a person that the mail needs: only these are kept in the ledger."""
        used = set().union(*self.variables().values())
        return [name for name in known_traits() if name in used]

    def render(
        self, traits: Mapping[str, object], *, variant: str, unsubscribe_url: str, postal_address: str
    ) -> Rendered:
        """One mail.

        Raises:
            RenderError: a trait is missing and has no default, or a filter failed.
        """
        known = {name: value for name, value in traits.items() if value is not None and value != ""}
        given = {
            **known,
            "unsubscribe_url": unsubscribe_url,
            "postal_address": postal_address,
            "campaign": self._name,
        }
        subject = one_line(_rendered(self._subjects[variant], given, "subject"))
        html = _rendered(self._html, given, "html")
        text = _rendered(self._text, given, "text") if self._text is not None else plain_text(html)
        return Rendered(subject, html, text)

    def check(self) -> None:
        """Refuse what must not be approved.

        Raises:
            UsageError: an unknown variable, a broken template, no unsubscribe link or postal address.
        """
        for place, names in self.variables().items():
            unknown = sorted(names - set(known_traits()) - set(OURS))
            if unknown:
                known = ", ".join([*known_traits(), *OURS])
                raise UsageError(f"{place}: unknown variable {', '.join(unknown)}. Known are {known}. {_NOT}")
        for variant in self._subjects:
            trial = self.render(dict.fromkeys(known_traits(), "1"), variant=variant, **_TRIAL)
            for part, body in (("html", trial.html), ("text", trial.text)):
                for name, value in _TRIAL.items():
                    if value not in body:
                        raise UsageError(f"{part}: {{{{ {name} }}}} is missing; every mail has to carry it. {_NOT}")


def carries_link(rendered: Rendered, unsubscribe_url: str) -> bool:
    """Whether both parts of this very mail hold the link; a condition may have left it out."""
    return str(escape(unsubscribe_url)) in rendered.html and unsubscribe_url in rendered.text


def _environment(*, escaped: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=escaped)


def _compiled(environment: ImmutableSandboxedEnvironment, text: str, place: str) -> Template:
    try:
        return environment.from_string(text)
    except TemplateError as problem:
        raise UsageError(f"{place}: {problem.message}.") from None


def _rendered(template: Template, given: Mapping[str, object], place: str) -> str:
    try:
        return template.render(given)
    except UndefinedError as problem:
        raise RenderError(f"{place}: {problem.message}") from None
    except Exception as problem:
        raise RenderError(f"{place}: the template fails with {type(problem).__name__}") from None
