"""CSS of a mail, moved into its elements once, when it is saved: many mail programs drop `<style>`.

The parts of a template are no HTML (`{% if mrr > 20 %}` between two table rows), so they are taken out
first and put back afterwards. Nothing is fetched: a linked stylesheet stays a link, which the lint refuses.
"""

from __future__ import annotations

import re

from pipelines.errors import UsageError

_STYLED = re.compile(r"<style\b", re.IGNORECASE)
_PART = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TAKEN = re.compile('(?:<!--)?\ue000(\\d+)\ue001(?:-->|="")?')
_NUMBER = re.compile("\ue000(\\d+)\ue001")
# What is no text: comments, elements whose content is raw, tags. Attributes may hold a `>` inside their quotes.
_NO_TEXT = re.compile(
    r"""<!--.*?-->|<(style|script|title|textarea)\b.*?</\1\s*>|</?[a-z!](?:[^>"']|"[^"]*"|'[^']*')*>""",
    re.DOTALL | re.IGNORECASE,
)


def inlined(html: str, place: str) -> str:
    """The HTML with the rules of its `<style>` in the elements, too; without one it stays as it is.

    Raises:
        UsageError: a part of the template stands where its CSS can not be moved around it.
    """
    if not _STYLED.search(html):
        return html
    from css_inline import CSSInliner  # Late: sending needs no compiler.

    parts: list[str] = _PART.findall(html)
    numbers = iter(range(len(parts)))
    bare = _PART.sub(lambda _: f"\ue000{next(numbers)}\ue001", html)
    inliner = CSSInliner(keep_style_tags=True, keep_link_tags=True, load_remote_stylesheets=False)
    made = inliner.inline(_commented(bare))
    kept = [parts[int(number)] for number in _NUMBER.findall(made)]
    if _statements(kept) != _statements(parts) or set(kept) != set(parts):
        raise UsageError(
            f"{place}: a part of the template stands inside a style where its CSS can not be moved into the "
            "elements. Move it to another place. Nothing was saved."
        )
    return _TAKEN.sub(lambda found: parts[int(found[1])], made)


def _commented(html: str) -> str:
    """Parts of the template between tags as comments: a parser leaves these where they stand, even in a table."""
    done, at = [], 0
    for found in _NO_TEXT.finditer(html):
        done += [_NUMBER.sub(r"<!--\g<0>-->", html[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*done, _NUMBER.sub(r"<!--\g<0>-->", html[at:])])


def _statements(parts: list[str]) -> list[str]:
    """The parts whose order matters; an expression may stand in a rule and in the elements it was moved to."""
    return [part for part in parts if not part.startswith("{{")]
