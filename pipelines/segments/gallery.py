"""Segments that most businesses want, to begin with: documents like any other, saved by nobody yet."""

from __future__ import annotations

from pathlib import Path

from pipelines.segments.document import SegmentDocument, parse_segment

_FOLDER = Path(__file__).parent / "ready"


def gallery(currency: str) -> list[SegmentDocument]:
    """The ready segments by name, with money in this currency."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("*.yml"))]
    return [parse_segment(text.replace("currency: USD", f"currency: {currency}")) for text in texts]
