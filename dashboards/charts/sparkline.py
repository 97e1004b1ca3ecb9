"""A tile's small line as inline SVG: no script, no canvas, nothing to load.

It travels as a data address in an `img`: Streamlit's sanitiser drops SVG elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

WIDTH, HEIGHT, MARGIN = 240.0, 44.0, 3.0


def sparkline(values: Sequence[float | None], colour: str) -> str:
    """An `img` with a line over `values`; nothing where fewer than two are known. Decoration: no alt text."""
    known = [(position, value) for position, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(value for _, value in known), max(value for _, value in known)
    span = high - low
    across = (WIDTH - 2 * MARGIN) / (len(values) - 1)
    points = [
        (
            MARGIN + position * across,
            HEIGHT / 2 if span == 0 else HEIGHT - MARGIN - (value - low) / span * (HEIGHT - 2 * MARGIN),
        )
        for position, value in known
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    area = f"{points[0][0]:.1f},{HEIGHT} {line} {points[-1][0]:.1f},{HEIGHT}"
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        'preserveAspectRatio="none">'
        f'<polygon points="{area}" fill="{colour}" fill-opacity="0.1"/>'
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2" '
        'stroke-linejoin="round" stroke-linecap="round" vector-effect="non-scaling-stroke"/></svg>'
    )
    size = f"display:block;width:100%;height:{HEIGHT:g}px"
    return f'<img alt="" style="{size}" src="data:image/svg+xml,{quote(drawing)}">'
