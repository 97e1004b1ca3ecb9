"""What is wrong with a campaign's mails: what blocks their approval, and what only warns.

Templates are read, then rendered for made-up readers (trial.py) and taken apart (markup.py): a link
that a template builds is looked at as it will stand in the mail. A reader with hostile traits shows
whether a person's name could become markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, TypeAlias

from pipelines.campaigns.content import (
    Rendered,
    RenderError,
    Templates,
    known_variables,
    parse_problem,
    place_of,
    sources,
)
from pipelines.campaigns.document import Content
from pipelines.campaigns.links import SHORTENERS, host_of, is_unsafe, problem_of, scheme_of
from pipelines.campaigns.markup import Markup, Tag, taken_apart
from pipelines.campaigns.trial import CODE, HOSTILE, LINKS, MARK, reader
from pipelines.settings import Settings

MAX_SIZE = 102_000
"""Bytes of the HTML; Gmail cuts what is longer, and with it the unsubscribe link."""
MAX_SUBJECT = 250
FEW_WORDS = 15
_FORBIDDEN = frozenset(
    [
        "applet",
        "base",
        "button",
        "embed",
        "form",
        "frame",
        "frameset",
        "iframe",
        "input",
        "object",
        "script",
        "select",
        "textarea",
    ]
)
_UNSAFE_STYLE = re.compile(r"@import|expression\s*\(|javascript:|behavior\s*:|-moz-binding", re.IGNORECASE)
_LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}")
_NOT_OURS = ("example.com", "example.org", "example.net", "invalid", "test", "localhost")
SETUP = frozenset({"no_postal_address", "sender_not_real", "no_offers_key"})
"""Codes of what the installation lacks; the document is not wrong."""
_PICTURES = frozenset({"src", "srcset", "background", "poster"})

Level: TypeAlias = Literal["blocks", "warns"]


class Finding(NamedTuple):
    """One thing that is wrong: whether it blocks, a stable name, where it is, and words."""

    level: Level
    code: str
    place: str
    message: str


class Said(NamedTuple):
    """A finding before its place is known."""

    level: Level
    code: str
    part: str
    message: str


def lint(content: Content) -> list[Finding]:
    """Everything that is wrong with the mails themselves, what blocks first."""
    broken = [
        Finding("blocks", "template_broken", place, problem)
        for place, source in sources(content).items()
        if (problem := parse_problem(place, source)) is not None
    ]
    if broken:
        return broken
    templates = Templates(content)
    found = [*_unknown(content, templates)]
    for name in templates.names:
        found += [
            Finding(one.level, one.code, place_of(content, one.part, name), one.message)
            for one in _of_mail(content, templates, name)
        ]
    if content.document.discount is not None and "discount_code" not in templates.used():
        found.append(Finding("warns", "code_not_shown", "discount", "no mail shows {{ discount_code }}"))
    # The same body stands in several mails: each thing is told once.
    return sorted(dict.fromkeys(found), key=lambda finding: finding.level != "blocks")


def lint_setup(content: Content, settings: Settings) -> list[Finding]:
    """What the installation lacks for these mails to go out."""
    found = []
    if not settings.postal_address.strip():
        words = "every mail has to carry a postal address and none is set. Set MILLSTREAM_POSTAL_ADDRESS"
        found.append(Finding("blocks", "no_postal_address", "settings", words))
    sender = content.document.from_
    address = sender.email if sender else settings.from_email
    domain = address.rpartition("@")[2].lower()
    if settings.mailer != "outbox" and any(domain == name or domain.endswith(f".{name}") for name in _NOT_OURS):
        words = f"nobody can answer a mail from {domain}. Set 'from' or MILLSTREAM_FROM_EMAIL"
        found.append(Finding("blocks", "sender_not_real", "from", words))
    if content.document.discount is not None and settings.stripe_offers_key is None:
        words = (
            "its codes are created at Stripe, with a key of its own that may write coupons and promotion codes. "
            "Set MILLSTREAM_STRIPE_OFFERS_KEY"
        )
        found.append(Finding("blocks", "no_offers_key", "discount", words))
    return found


def _unknown(content: Content, templates: Templates) -> Iterator[Finding]:
    known = known_variables(content.document)
    for place, names in templates.variables().items():
        for name in sorted(names - known):
            close = get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else "`millstream segment fields` lists the traits"
            if name == "discount_code":
                hint = "the campaign offers no discount"
            yield Finding("blocks", "unknown_variable", place, f"unknown variable {name}; {hint}")


def _of_mail(content: Content, templates: Templates, name: str) -> Iterator[Said]:
    # What is unknown was told already; the rest of the mail is looked at all the same.
    unknown = templates.used() - known_variables(content.document)
    extra = {"discount_code": CODE, **dict.fromkeys(unknown, "Trial")}

    def made(traits: Mapping[str, Any]) -> Rendered:
        return templates.render(traits, variant=name, extra=extra, **LINKS)

    try:
        full = made(reader())
    except RenderError as problem:
        part, _, words = str(problem).partition(": ")
        yield Said("blocks", "template_fails", part, words)
        return
    markup = taken_apart(full.html)
    yield from _carried(content, name, full, markup, "")
    try:
        bare = made({})
    except RenderError:
        pass  # Whoever lacks a trait gets no mail; how many these are is told by the preview.
    else:
        yield from _carried(content, name, bare, taken_apart(bare.html), " for whoever has no trait")
    yield from _kept_apart(made)
    yield from _unsafe(markup)
    yield from _links(markup)
    yield from _left_over(full, markup)
    yield from _looks(content, name, full, markup)


def _carried(content: Content, name: str, mail: Rendered, markup: Markup, whom: str) -> Iterator[Said]:
    """The subject, and what every mail has to hold."""
    link, postal = LINKS["unsubscribe_url"], LINKS["postal_address"]
    if not mail.subject:
        yield Said("blocks", "subject_empty", "subject", f"it is empty{whom}")
    elif len(mail.subject) > MAX_SUBJECT:
        yield Said("blocks", "subject_too_long", "subject", f"it is longer than {MAX_SUBJECT} characters{whom}")
    must = f"is missing; every mail has to carry it{whom}"
    if not any(tag.get("href") == link for tag in markup.tags if tag.name in ("a", "area", "v:roundrect", "v:rect")):
        words = f"stands in no link{whom}" if link in markup.words else must
        yield Said("blocks", "unsubscribe_link_missing", "html", f"{{{{ unsubscribe_url }}}} {words}")
    if postal not in markup.words:
        yield Said("blocks", "postal_address_missing", "html", f"{{{{ postal_address }}}} {must}")
    if content.body_of(name).text:
        if link not in mail.text:
            yield Said("blocks", "unsubscribe_link_missing", "text", f"{{{{ unsubscribe_url }}}} {must}")
        if postal not in mail.text:
            yield Said("blocks", "postal_address_missing", "text", f"{{{{ postal_address }}}} {must}")
    if (size := len(mail.html.encode())) > MAX_SIZE:
        words = f"it has {size:,} bytes; mail programs cut what is longer than {MAX_SIZE:,}"
        yield Said("blocks", "too_large", "html", words)


def _kept_apart(made: Callable[[Mapping[str, Any]], Rendered]) -> Iterator[Said]:
    """Whether a reader's trait stays text."""
    try:
        hostile = taken_apart(made(reader(HOSTILE)).html)
    except RenderError:
        return
    names = (name for tag in hostile.tags for name in (tag.name, *(name for name, _ in tag.attributes)))
    if any(MARK in name for name in names):
        words = "a variable stands where a reader's trait could become markup: write it inside quotes or between tags"
        yield Said("blocks", "trait_as_markup", "html", words)
        return
    styles = [hostile.styles, *(tag.get("style") or "" for tag in hostile.tags)]
    if any(MARK in style for style in styles):
        yield Said("blocks", "trait_in_style", "html", "a reader's trait stands inside a style")
    for tag in hostile.tags:
        for _, address in tag.addresses():
            if HOSTILE not in address:
                continue
            if HOSTILE in address.partition("://")[2].partition("/")[0].partition("?")[0]:
                yield Said("blocks", "trait_in_host", "html", "a reader's trait stands in the host of a link")
            else:
                words = "a reader's trait stands in a link as it is; write it with `| urlencode`"
                yield Said("warns", "link_not_encoded", "html", words)


def _unsafe(markup: Markup) -> Iterator[Said]:
    for tag in markup.tags:
        if (problem := _problem_of_tag(tag)) is not None:
            yield Said("blocks", "unsafe_html", "html", problem)
        for name, _ in tag.attributes:
            if name.startswith("on"):
                yield Said("blocks", "unsafe_html", "html", f"<{tag.name}> has {name}, which runs a script")
        for name, address in tag.addresses():
            if is_unsafe(address):
                words = f"<{tag.name} {name}> begins with {scheme_of(address)}:, which runs or reads something"
                yield Said("blocks", "unsafe_html", "html", words)
        if _UNSAFE_STYLE.search(tag.get("style") or ""):
            yield Said("blocks", "unsafe_html", "html", f"the style of <{tag.name}> loads or runs something")
    if _UNSAFE_STYLE.search(markup.styles):
        yield Said("blocks", "unsafe_html", "html", "<style> loads or runs something")


def _problem_of_tag(tag: Tag) -> str | None:
    if tag.name in _FORBIDDEN:
        return f"<{tag.name}> has no place in a mail"
    if tag.name == "link":
        return "<link> asks another host; write the style into the mail"
    if tag.name == "meta" and (tag.get("http-equiv") or "").lower() == "refresh":
        return "<meta http-equiv=refresh> leads the reader away"
    return None


def _links(markup: Markup) -> Iterator[Said]:
    for tag in markup.tags:
        for name, value in tag.addresses():
            is_picture = name in _PICTURES
            addresses = [one.split()[0] for one in value.split(",") if one.split()] if name == "srcset" else [value]
            for address in addresses:
                yield from _link(address, is_picture)


def _link(address: str, is_picture: bool) -> Iterator[Said]:
    if is_unsafe(address):
        return
    what = "picture" if is_picture else "link"
    shown = f"the {what} {address[:80]!r}"
    if (problem := problem_of(address, is_picture=is_picture)) is not None:
        yield Said("blocks", "broken_link", "html", f"{shown} {problem}")
        return
    if scheme_of(address) == "http":
        yield Said("warns", "http_link", "html", f"{shown} is not encrypted; write https://")
    if not is_picture and host_of(address) in SHORTENERS:
        yield Said("warns", "link_shortener", "html", f"{shown} hides where it leads; mail filters distrust that")


def _left_over(mail: Rendered, markup: Markup) -> Iterator[Said]:
    values = [value for tag in markup.tags for name, value in tag.attributes if name != "style"]
    parts = (("subject", [mail.subject]), ("html", [markup.words, *values]), ("text", [mail.text]))
    for part, texts in parts:
        if any(_LEFT_OVER.search(text) for text in texts):
            yield Said("blocks", "template_left_over", part, "a piece of a template stands in the finished mail")


def _looks(content: Content, name: str, mail: Rendered, markup: Markup) -> Iterator[Said]:
    """What does not hinder a mail, but its readers or their filters."""
    if not content.body_of(name).text:
        yield Said("warns", "no_text_part", "text", "there is none of its own; it is made from the HTML")
    pictures = [tag for tag in markup.tags if tag.name == "img"]
    if (silent := sum(tag.get("alt") is None for tag in pictures)) > 0:
        words = f"{silent} of {len(pictures)} pictures say nothing (alt) to whoever does not see them"
        yield Said("warns", "image_without_alt", "html", words)
    if pictures and len(markup.words.split()) < FEW_WORDS + len(LINKS["postal_address"].split()):
        yield Said("warns", "all_images", "html", "there is hardly a word beside the pictures; filters distrust that")
    hidden = any("display:none" in (tag.get("style") or "").replace(" ", "") for tag in markup.tags)
    if not content.document.mails()[name].preheader and not hidden:
        words = "there is none; the inbox shows the first words of the mail beside the subject"
        yield Said("warns", "preheader_missing", "preheader", words)
    letters = [letter for letter in mail.subject if letter.isalpha()]
    shouted = sum(letter.isupper() for letter in letters)
    if (len(letters) > 9 and shouted > 0.6 * len(letters)) or re.search(r"[!?$€£]{2,}", mail.subject):
        yield Said("warns", "subject_shouts", "subject", "it shouts; filters and readers take that for spam")
