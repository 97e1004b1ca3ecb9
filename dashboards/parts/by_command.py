"""The page's question as a document, for scripts."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st


def by_command(document: dict[str, Any], command: str) -> None:
    """An expander with the document and the command that answers it."""
    with st.expander("Ask the same on the command line"):
        st.code(json.dumps(document, indent=2, ensure_ascii=False), language="json", wrap_lines=True)
        st.code(f"millstream {command} --query question.json --json", language="bash")
