"""MJML to HTML, once, when a campaign is saved: what is approved is the very HTML that goes out.

Templates stay as they are (`{{ first_name }}` is text to MJML). No web font is linked, because a
mail must ask no other host for anything by itself; `mj-include` finds no file.
"""

from __future__ import annotations

import re

from pipelines.errors import UsageError

_MJML = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<mjml[\s>]", re.DOTALL)


def html_of(text: str, place: str) -> str:
    """The HTML of a body: MJML is compiled, anything else is HTML already.

    Raises:
        UsageError: it begins as MJML and is none.
    """
    if not _MJML.match(text):
        return text
    from mjml import mjml2html  # Late: sending needs no compiler.

    try:
        return str(mjml2html(text, fonts={}))
    except ValueError as problem:
        raise UsageError(f"{place}: this is no MJML: {problem}. Nothing was saved.") from None
