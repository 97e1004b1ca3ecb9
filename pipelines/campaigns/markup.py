"""A finished mail taken apart: its tags, links, pictures and words, as the lint looks at them.

What Outlook alone reads (`<!--[if mso]> ... <![endif]-->`) is looked at like the rest.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

_ADDRESSES = frozenset(
    ["href", "src", "action", "formaction", "background", "poster", "xlink:href", "data", "cite", "longdesc", "srcset"]
)
_CONDITIONAL = re.compile(r"\[if\b[^\]]*\]>(.*?)(?:<!\[endif\]|$)", re.DOTALL | re.IGNORECASE)
_SILENT = frozenset({"head", "style", "script", "title"})


class Tag(NamedTuple):
    """One start tag with its attributes in order, names in lower case."""

    name: str
    attributes: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The value of an attribute; None where it is not there."""
        return dict(self.attributes).get(name)

    def addresses(self) -> list[tuple[str, str]]:
        """Attributes that hold an address, with it."""
        return [(name, value.strip()) for name, value in self.attributes if name in _ADDRESSES]


class Markup(NamedTuple):
    """What a mail is made of."""

    tags: list[Tag]
    words: str
    styles: str
    comments: str


def taken_apart(html: str) -> Markup:
    """The tags, words and styles of this HTML."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Markup(reader.tags, " ".join("".join(reader.words).split()), "\n".join(reader.styles), reader.comments)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[Tag] = []
        self.words: list[str] = []
        self.styles: list[str] = []
        self.comments = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, tuple((name, value or "") for name, value in attrs)))
        if tag in _SILENT:
            self._open.append(tag)
        else:
            self.words.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, tuple((name, value or "") for name, value in attrs)))
        self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            self.styles.append(data)
        elif not self._open:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments += data
        if (inside := _CONDITIONAL.match(data)) is not None:
            self.tags += taken_apart(inside[1]).tags
