"""A finished mail as its reader sees it, in a frame that runs nothing and asks no other host."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import streamlit as st

from dashboards.parts.words import small
from dashboards.view import View

# As a data address the mail has an origin of its own and can not reach the page; the policy keeps out
# scripts, forms and every picture that another host would have to be asked for.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
# Readers see mails on white; without a ground of its own the dark theme would shine through.
_PAPER = "<style>:root{color-scheme:light;background:#fff}</style>"
PHONE = 375
"""Pixels across."""
_HEAD = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">{_PAPER}'


def frame_address(html: str) -> str:
    """The mail as an address of its own, with its policy before anything it says itself."""
    return "data:text/html;base64," + b64encode((_HEAD + html).encode()).decode()


def mail_preview(mail: dict[str, Any], view: View) -> None:
    """Who gets it, the subject, and the mail; pictures from other hosts are not fetched."""
    small(f"To {mail['to'] or 'nobody: no address'}{_variant(mail)}", view.colours)
    small(f"Subject: {mail['subject']}", view.colours)
    if mail["state"] != "planned":
        st.warning(f"This person gets no mail: {str(mail['reason'] or mail['state']).replace('_', ' ')}.")
    as_html, on_phone, as_text = st.tabs(["Mail", "On a phone", "Plain text"])
    with as_html:
        st.iframe(frame_address(mail["html"]), height=420, alt="The mail as its reader sees it")
    with on_phone:
        st.iframe(frame_address(mail["html"]), height=560, width=PHONE, alt="The mail on a narrow screen")
    with as_text:
        st.code(mail["text"], language=None, wrap_lines=True)


def _variant(mail: dict[str, Any]) -> str:
    return "".join(f" · {what} {mail[what]}" for what in ("variant", "step") if mail[what])
