"""The pages that a link in a mail leads to: small, for every eye and reader, from nowhere but here.

No script, no picture, no font, no other address: a page is one document with one style of its own, which its
policy names by hash. Nothing of the person is on it.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

_STYLE = (
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--quiet:#57606a;--line:#8c959f;"
    "--button:#0b57d0;--on:#fff}"
    "@media(prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e6e9ec;--quiet:#a3acb5;--line:#6b747d;"
    "--button:#8ab4f8;--on:#0b1a30}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}"
    "main{max-width:34rem;margin:0 auto;padding:12vh 1.25rem 2rem}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}"
    "p{margin:0 0 1.25rem}.quiet{color:var(--quiet)}form{margin:0 0 1rem}"
    "button{font:inherit;width:100%;min-height:3rem;padding:.6rem 1.25rem;border-radius:.5rem;cursor:pointer;"
    "border:1px solid var(--button);background:var(--button);color:var(--on)}"
    "button.second{background:transparent;color:var(--ink);border-color:var(--line)}"
    "button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


def page(title: str, *body: str, status: int = 200, retry_after: int | None = None) -> HTMLResponse:
    """One page; `body` is finished HTML, `title` is text."""
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex,nofollow">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{''.join(body)}</main></body></html>"
    )
    more = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return HTMLResponse(document, status, {**HEADERS, **more})


def words(text: str, *, is_quiet: bool = False) -> str:
    """A paragraph."""
    style = ' class="quiet"' if is_quiet else ""
    return f"<p{style}>{escape(text)}</p>"


def button(label: str, name: str, value: str, *, is_second: bool = False) -> str:
    """A form of one button that posts to the page's own address."""
    style = ' class="second"' if is_second else ""
    return (
        '<form method="post">'
        f'<button type="submit" name="{escape(name)}" value="{escape(value)}"{style}>{escape(label)}</button></form>'
    )
