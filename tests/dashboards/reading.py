"""What stands on a page that was run without a browser: its text, whole, and what its charts are drawn from."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from html import unescape
from typing import Any

import polars as pl
from streamlit.testing.v1 import AppTest

Columns = dict[str, list[Any]]
QUIET = frozenset(
    {"container", "flex_container", "vertical", "horizontal", "column", "tab_container", "form", "main", "empty"}
)
"""Kinds of blocks and elements that show nothing of their own."""


def words(app: AppTest) -> str:
    """All text of the page: HTML parts, notes, code, in order."""
    return "\n".join(_text(element) for element in app.main)


def findings(app: AppTest) -> list[str]:
    """What the charts of the page tell to those who do not see them."""
    return [element.proto.alt for element in app.main if element.type == "echarts_chart"]


def pieces(app: AppTest) -> list[str]:
    """Everything that can be read on the page, in order: cells, sentences, labels, hovers, what charts tell.

    Left out: what inputs hold and offer, as a visitor chooses it, and code that is a command, a question
    or a document. A kind of element that is not known here is an error, so that none goes unread.
    """
    return [piece for element in app.main for piece in _pieces(element)]


def readable(markup: str) -> list[str]:
    """The pieces of an HTML text: what stands between tags, and what a tag tells when hovered over."""
    without = re.sub(r"<(style|script)\b.*?</\1>", "", markup, flags=re.S)
    marked = re.sub(r'<[^<>]*?\btitle="([^"]*)"[^<>]*>', r"<>\1<>", without)
    return [piece for part in re.split(r"<[^<>]*>", marked) if (piece := " ".join(unescape(part).split()))]


def charts(app: AppTest) -> list[Columns]:
    """The columns that each chart of the page is drawn from."""
    return [_columns(element.proto) for element in app.main if element.type == "echarts_chart"]


def sparklines(app: AppTest) -> list[str]:
    """The pictures in the tiles, as they stand in the page."""
    return re.findall(r'<img alt=""[^<>]*>', words(app))


def shades(app: AppTest) -> list[int]:
    """How strongly each coloured cell of a table is coloured, in per cent."""
    return [int(part) for part in re.findall(r"background-color:color-mix\(in srgb,#\w+ (\d+)%", words(app))]


def _pieces(element: Any) -> Iterator[str]:
    kind, proto = element.type, element.proto
    if kind in ("html", "markdown", "title", "header", "subheader", "error", "warning", "info", "success"):
        yield from readable(proto.body if kind == "html" else _plain(proto.body))
    elif kind == "code":
        if proto.language in ("", "plaintext"):
            yield proto.code_text
    elif kind in ("dataframe", "arrow_data_frame"):
        frame = element.value
        yield from map(str, frame.columns)
        yield from (str(cell) for row in frame.itertuples(index=False) for cell in row)
    elif kind == "echarts_chart":
        yield proto.alt
    elif kind == "iframe":
        yield from readable(b64decode(proto.src.partition("base64,")[2]).decode())
    elif kind == "progress":
        yield _plain(proto.text)
    elif kind == "pagination":
        yield f"pages: {proto.num_pages}"
    elif kind == "popover":
        yield _plain(proto.popover.label)
    elif hasattr(element, "label"):
        yield _plain(element.label)
        yield _plain(getattr(proto, "help", ""))
    elif kind not in QUIET:
        raise AssertionError(f"tests/dashboards/reading.py does not know how to read {kind}")


def _plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


def _columns(proto: Any) -> Columns:
    name = json.loads(proto.spec)["dataset"]["source"]["name"]
    data = next(one.data.data for one in proto.datasets if one.name == name)
    return pl.read_ipc_stream(data).to_dict(as_series=False)


def _text(element: Any) -> str:
    proto = getattr(element, "proto", None)
    return str(next((getattr(proto, name) for name in ("body", "code_text", "label") if hasattr(proto, name)), ""))
