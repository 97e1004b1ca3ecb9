"""What stands on a page that was run without a browser."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest


def words(app: AppTest) -> str:
    """All text of the page: HTML parts, notes, code, in order."""
    return "\n".join(_text(element) for element in app.main)


def findings(app: AppTest) -> list[str]:
    """What the charts of the page tell to those who do not see them."""
    return [element.proto.alt for element in app.main if element.type == "echarts_chart"]


def _text(element: Any) -> str:
    proto = getattr(element, "proto", None)
    return str(next((getattr(proto, name) for name in ("body", "code_text", "label") if hasattr(proto, name)), ""))
