"""A formula over series: `A / B`, `(A - B) / A * 100`; letters, numbers, + - * / and parentheses.

It is parsed by the few rules below into nodes that are added up here; nothing is ever run as code or
as SQL. Numbers stay exact; a division by zero, and whatever has an unknown part, is unknown (None).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

MOST_CHARACTERS = 200
"""So much may be written; it also bounds how deep parentheses can be nested."""
_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<letter>[A-Z])(?![A-Za-z0-9])|(?P<sign>[-+*/()]))")
_END = ""

Known: TypeAlias = Mapping[str, Fraction | None]


@dataclass(frozen=True)
class _Number:
    value: Fraction

    def at(self, known: Known) -> Fraction | None:
        return self.value


@dataclass(frozen=True)
class _Letter:
    name: str

    def at(self, known: Known) -> Fraction | None:
        return known[self.name]


@dataclass(frozen=True)
class _Joined:
    sign: str
    left: _Node
    right: _Node

    def at(self, known: Known) -> Fraction | None:
        left, right = self.left.at(known), self.right.at(known)
        if left is None or right is None:
            return None
        if self.sign == "/":
            return left / right if right else None
        return {"+": left + right, "-": left - right, "*": left * right}[self.sign]


_Node: TypeAlias = _Number | _Letter | _Joined


@dataclass(frozen=True)
class Formula:
    """A formula that can be asked for its value."""

    text: str
    letters: frozenset[str]
    _root: _Node

    def value(self, known: Known) -> Fraction | None:
        """Its value where the letters have these values."""
        return self._root.at(known)


def parse_formula(text: str) -> Formula:
    """The formula that a text means.

    Raises:
        ValueError: it means none; the words say where.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"a formula has at most {MOST_CHARACTERS} characters")
    parser = _Parser(_tokens(text))
    root = parser.sum()
    if parser.next != _END:
        raise ValueError(f"{parser.next!r} is not expected there")
    return Formula(text, frozenset(token for token in parser.tokens if token.isalpha()), root)


def _tokens(text: str) -> list[str]:
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"{text[at:].strip()[:10]!r}: write letters of series, numbers, + - * / and parentheses")
        found.append(token[0].strip())
        at = token.end()
    return found


class _Parser:
    """sum: product ([+-] product)*; product: part ([*/] part)*; part: number, letter, -part, (sum)."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self._at = 0

    @property
    def next(self) -> str:
        return self.tokens[self._at] if self._at < len(self.tokens) else _END

    def sum(self) -> _Node:
        found = self._product()
        while self.next in ("+", "-"):
            found = _Joined(self._take(), found, self._product())
        return found

    def _product(self) -> _Node:
        found = self._part()
        while self.next in ("*", "/"):
            found = _Joined(self._take(), found, self._part())
        return found

    def _part(self) -> _Node:
        token = self._take()
        if token == "-":
            return _Joined("-", _Number(Fraction(0)), self._part())
        if token == "(":
            found = self.sum()
            if self._take() != ")":
                raise ValueError("a parenthesis is not closed")
            return found
        if token.isalpha():
            return _Letter(token)
        if token[:1].isdigit():
            return _Number(Fraction(token))
        raise ValueError("it ends too early" if token == _END else f"{token!r} is not expected there")

    def _take(self) -> str:
        token = self.next
        self._at += 1
        return token
