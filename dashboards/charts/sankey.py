"""What came right after one event, or right before it, as bands whose width is a count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.charts.option import Option, narrow_or_wide
from dashboards.charts.palette import Palette

ROW_PIXELS = 34


@dataclass(frozen=True)
class Band:
    """One band: what stands at its far end, and how wide it is; `is_quiet` is drawn in grey."""

    label: str
    width: int
    is_quiet: bool = False


def sankey(middle: str, bands: Sequence[Band], *, is_left: bool, alt: str, colours: Palette) -> Option:
    """Bands from `middle` to the right, or with `is_left` from the left into it; the first on top."""
    tint = {True: colours.muted, False: colours.accent}
    # Nodes go by number: an event may follow itself.
    nodes = [_node("0", middle, colours.good, colours, position="left" if is_left else "right")]
    nodes += [
        _node(str(number), band.label, tint[band.is_quiet], colours, position="right" if is_left else "left")
        for number, band in enumerate(bands, start=1)
    ]
    links = [
        {
            "source": str(number) if is_left else "0",
            "target": "0" if is_left else str(number),
            "value": band.width,
            "lineStyle": {"color": tint[band.is_quiet], "opacity": 0.28},
        }
        for number, band in enumerate(bands, start=1)
    ]
    frame = pl.DataFrame(
        {
            "from": [band.label if is_left else middle for band in bands],
            "to": [middle if is_left else band.label for band in bands],
            "sessions": [band.width for band in bands],
        },
        schema={"from": pl.String, "to": pl.String, "sessions": pl.Int64},
    )
    spec = {
        "animation": False,
        "tooltip": {"show": False},
        "dataset": {"source": frame},
        "series": [
            {
                "type": "sankey",
                "left": 4,
                "right": 4,
                "top": 8,
                "bottom": 8,
                "nodeWidth": 10,
                "nodeGap": 16,
                "layoutIterations": 0,
                "draggable": False,
                "emphasis": {"disabled": True},
                "data": nodes,
                "links": links,
            }
        ],
        # On a phone a long name ends in dots; the table has it whole.
        "media": narrow_or_wide({"series": [{"label": {"width": 130}}]}, {"series": [{"label": {"width": 420}}]}),
    }
    return Option(spec, alt)


def height(bands: int) -> int:
    """Pixels for so many bands."""
    return max(3, bands) * ROW_PIXELS + 16


def _node(key: str, name: str, colour: str, colours: Palette, *, position: str) -> dict[str, Any]:
    return {
        "name": key,
        "itemStyle": {"color": colour, "borderWidth": 0},
        "label": {
            # In a name, `{b}` would be a place to fill in.
            "formatter": name.replace("{", "{\u200b"),
            "position": position,
            "color": colours.text,
            "fontSize": 13,
            "overflow": "truncate",
            "textBorderColor": colours.background,
            "textBorderWidth": 3,
        },
    }
